#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

#include "saccade/base/error.h"
#include "saccade/io/hdf5_internal.h"
#include "saccade/io/hdf5_reader_internal.h"
#include "saccade/io/quote_internal.h"

namespace saccade::internal {
namespace {

constexpr const char* kDamaged = "the file is damaged; save it again";

enum class Question : std::uint8_t { open, has, names, texts, shape, read };
enum class Answer : std::uint8_t { good, refused };

/// One end of the line between the two processes. Each call is all or nothing; false when the other end is gone.
class Line {
 public:
  explicit Line(int socket) : socket_(socket) {}
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line() { ::close(socket_); }
  int socket() const noexcept { return socket_; }

  bool send(std::span<const std::byte> bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return false;
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
    return true;
  }
  bool receive(std::span<std::byte> bytes) const {
    while (!bytes.empty()) {
      const ssize_t got = ::recv(socket_, bytes.data(), bytes.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      bytes = bytes.subspan(static_cast<std::size_t>(got));
    }
    return true;
  }

  template <class Number>
  bool send_number(Number number) const {
    return send(std::as_bytes(std::span(&number, 1)));
  }
  template <class Number>
  bool receive_number(Number& number) const {
    return receive(std::as_writable_bytes(std::span(&number, 1)));
  }
  bool send_text(std::string_view text) const {
    return send_number(isize(text.size())) && send(std::as_bytes(std::span(text)));
  }
  /// Takes no more than `most` bytes, and subtracts what it took.
  bool receive_text(std::string& text, Index& most) const {
    Index size = 0;
    if (!receive_number(size) || size < 0 || size > most) return false;
    most -= size;
    text.resize(usize(size));
    return receive(std::as_writable_bytes(std::span(text)));
  }
  bool send_texts(const std::vector<std::string>& texts) const {
    return send_number(isize(texts.size())) &&
           std::ranges::all_of(texts, [this](const std::string& text) { return send_text(text); });
  }
  bool receive_texts(std::vector<std::string>& texts, Index& most) const {
    Index count = 0;
    if (!receive_number(count) || count < 0 || count > most) return false;
    most -= count;
    for (Index i = 0; i < count; ++i) {
      if (!receive_text(texts.emplace_back(), most)) return false;
    }
    return true;
  }
  bool send_shape(const Shape& shape) const {
    return send_number(static_cast<Index>(shape.rank())) && send(std::as_bytes(shape.extents()));
  }
  bool receive_shape(Shape& shape) const {
    Index rank = 0;
    if (!receive_number(rank) || rank < 0 || rank > Shape::kMaxRank) return false;
    std::vector<Index> extents(usize(rank));
    if (!receive(std::as_writable_bytes(std::span(extents)))) return false;
    shape = Shape(extents);
    return true;
  }

 private:
  int socket_;
};

// What the other process does.

/// How long the library may compute: a file of a hundred megabytes takes a tenth of a second.
constexpr Index kMilliseconds = 250, kBytesAMillisecond = Index{1} << 15;
constexpr Index kExtraBytes = Index{256} << 20;

/// From here on this process opens nothing, writes no file, and ends when it takes too much time or memory.
void confine(int line, Index file_bytes) {
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGPROF, SIGTRAP}) ::signal(signal, SIG_DFL);
  const Index milliseconds = kMilliseconds + file_bytes / kBytesAMillisecond;
  const itimerval time{.it_interval = {},
                       .it_value = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000}};
  ::setitimer(ITIMER_PROF, &time, nullptr);
  Index pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const auto limit = [](auto resource, Index most) {
    const auto value = static_cast<rlim_t>(most);
    const rlimit both{.rlim_cur = value, .rlim_max = value};
    ::setrlimit(resource, &both);
  };
  if (pages > 0) limit(RLIMIT_AS, pages * ::sysconf(_SC_PAGESIZE) + hdf5_allowance(file_bytes) + kExtraBytes);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (standard != line) ::close(standard);
  }
  limit(RLIMIT_NOFILE, 0);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_CORE, 0);
}

/// Answers one question.
bool answer(Question question, const std::string& path, const std::string& attribute, Hdf5Reader& reader,
            const Line& line) {
  const auto good = [&] { return line.send_number(Answer::good); };
  switch (question) {
    case Question::open:
      return good();
    case Question::has: {
      const bool has = reader.has(path);
      return good() && line.send_number(std::uint8_t{has});
    }
    case Question::names: {
      const std::vector<std::string> names = reader.names(path);
      return good() && line.send_texts(names);
    }
    case Question::texts: {
      const auto texts = reader.texts(path, attribute);
      return good() && line.send_number(std::uint8_t{texts.has_value()}) && (!texts || line.send_texts(*texts));
    }
    case Question::shape: {
      const Shape shape = reader.shape(path);
      return good() && line.send_shape(shape);
    }
    case Question::read: {
      const Tensor tensor = reader.read(path);
      return good() && line.send_shape(tensor.shape()) && line.send(tensor.bytes());
    }
  }
  return false;
}

/// Calls `call`, and tells of the error that it throws. False when there is nobody to tell.
template <class Call>
bool with_errors(const Line& line, Call call) {
  const auto refuse = [&](const ErrorText& text) {
    return line.send_number(Answer::refused) && line.send_texts({text.where, text.expected, text.got, text.fix});
  };
  try {
    return call();
  } catch (const Error& error) {
    return refuse(error.text());
  } catch (const std::exception& error) {
    return refuse({.where = "HDF5", .expected = "a file within bounds", .got = error.what(), .fix = kDamaged});
  }
}

void serve(std::span<const std::byte> bytes, const std::string& file, const Line& line) {
  Index most = std::numeric_limits<Index>::max();  // the one who asks is trusted
  std::unique_ptr<Hdf5Reader> reader;
  Question question{};
  while (line.receive_number(question)) {
    std::string path, attribute;
    if (!line.receive_text(path, most) || !line.receive_text(attribute, most)) return;
    const bool told = with_errors(line, [&] {
      if (!reader) reader = std::make_unique<Hdf5Reader>(bytes, file);
      return answer(question, path, attribute, *reader, line);
    });
    if (!told) return;
  }
}

}  // namespace

/// The process that reads, seen from here.
class Hdf5File::Process {
 public:
  Process(std::span<const std::byte> bytes, std::string file)
      : file_(std::move(file)), most_(hdf5_allowance(isize(bytes.size()))) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) fail_to_start();
    line_.emplace(ends[0]);
    {
      const Hdf5Lock lock;  // no other thread leaves the library halfway through something in the copy
      process_ = ::fork();
    }
    if (process_ == 0) {
      ::close(ends[0]);
      const Line line(ends[1]);
      confine(ends[1], isize(bytes.size()));
      serve(bytes, file_, line);
      ::_exit(0);
    }
    ::close(ends[1]);
    if (process_ < 0) fail_to_start();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    ::kill(process_, SIGKILL);
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  const Line& line() const noexcept { return *line_; }
  Index& most() noexcept { return most_; }

  /// Asks, and waits for the word that an answer follows. Throws what the other process refused with.
  void ask(Question question, const std::string& path, const std::string& attribute = "") {
    Answer said{};
    require(line().send_number(question) && line().send_text(path) && line().send_text(attribute) &&
            line().receive_number(said));
    if (said == Answer::good) return;
    std::vector<std::string> text;
    Index most = Index{1} << 20;
    require(line().receive_texts(text, most) && text.size() == 4);
    throw FormatError({text[0], text[1], text[2], text[3]});
  }
  /// Throws where something did not arrive.
  void require(bool arrived) const {
    if (arrived) return;
    throw FormatError({.where = file_,
                       .expected = "an HDF5 file",
                       .got = "one that HDF5's library cannot get through",
                       .fix = kDamaged});
  }

 private:
  [[noreturn]] void fail_to_start() const {
    throw SystemError({.where = file_,
                       .expected = "to start a process that reads it",
                       .got = std::strerror(errno),
                       .fix = "free some memory"});
  }

  std::string file_;
  Index most_;  ///< Bytes that may still arrive.
  std::optional<Line> line_;
  pid_t process_ = -1;
};

bool is_hdf5(std::span<const std::byte> bytes) {
  constexpr std::string_view kMagic("\x89HDF\r\n\x1a\n", 8);
  return bytes.size() >= kMagic.size() && std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) == 0;
}

Hdf5File::Hdf5File(std::span<const std::byte> bytes, std::string file)
    : process_(std::make_unique<Process>(bytes, std::move(file))) {
  process_->ask(Question::open, "");
}

Hdf5File::~Hdf5File() = default;

bool Hdf5File::has(const std::string& path) const {
  process_->ask(Question::has, path);
  std::uint8_t has = 0;
  process_->require(process_->line().receive_number(has));
  return has != 0;
}

std::vector<std::string> Hdf5File::names(const std::string& path) const {
  process_->ask(Question::names, path);
  std::vector<std::string> names;
  process_->require(process_->line().receive_texts(names, process_->most()));
  return names;
}

std::optional<std::vector<std::string>> Hdf5File::texts(const std::string& path, const std::string& attribute) const {
  process_->ask(Question::texts, path, attribute);
  std::uint8_t has = 0;
  process_->require(process_->line().receive_number(has));
  if (has == 0) return std::nullopt;
  std::vector<std::string> texts;
  process_->require(process_->line().receive_texts(texts, process_->most()));
  return texts;
}

Shape Hdf5File::shape(const std::string& path) const {
  process_->ask(Question::shape, path);
  Shape shape;
  process_->require(process_->line().receive_shape(shape));
  return shape;
}

Tensor Hdf5File::read(const std::string& path) {
  process_->ask(Question::read, path);
  Shape shape;
  process_->require(process_->line().receive_shape(shape));
  const std::optional<Index> bytes = checked_multiply(shape.elements(), size_bytes(DType::float32));
  process_->require(bytes && *bytes <= process_->most());
  process_->most() -= *bytes;
  Tensor tensor(shape);
  process_->require(process_->line().receive(tensor.bytes()));
  return tensor;
}

}  // namespace saccade::internal
