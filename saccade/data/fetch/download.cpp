#include "saccade/data/fetch/download.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include "saccade/base/error.h"
#include "saccade/data/fetch/source_failure.h"

namespace saccade::data {
namespace {

namespace fs = std::filesystem;

/// The file that grows, and what went wrong inside libcurl's callbacks, through which no exception may pass.
class Sink {
 public:
  Sink(const fs::path& path, const DownloadOptions& options)
      : path_(path),
        options_(options),
        descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) fail(errno);
    const off_t end = ::lseek(descriptor_, 0, SEEK_END);
    if (end < 0) fail(errno);
    size_ = end;
  }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  ~Sink() { ::close(descriptor_); }

  Index size() const { return size_; }

  void clear() {
    if (::ftruncate(descriptor_, 0) != 0) fail(errno);
    size_ = 0;
  }

  void rethrow() {
    if (error_) std::rethrow_exception(error_);
  }

  static std::size_t write(char* bytes, std::size_t one, std::size_t count, void* self) {
    return static_cast<Sink*>(self)->guard([&](Sink& sink) { sink.append(bytes, one * count); }) ? one * count : 0;
  }

  static int progress(void* self, curl_off_t total, curl_off_t /*now*/, curl_off_t, curl_off_t) {
    return static_cast<Sink*>(self)->guard([&](Sink& sink) {
      if (!sink.options_.progress) return;
      FetchProgress report{.label = sink.options_.label, .done_bytes = sink.size_};
      if (total > 0) report.total_bytes = sink.resumed_at_ + total;
      sink.options_.progress(report);
    })
               ? 0
               : 1;
  }

  void start_attempt() { resumed_at_ = size_; }

 private:
  template <class Call>
  bool guard(const Call& call) {
    try {
      call(*this);
      return true;
    } catch (...) {
      error_ = std::current_exception();
      return false;
    }
  }

  void append(const char* bytes, std::size_t count) {
    if (size_ + isize(count) > options_.limit_bytes) {
      throw SourceFailure(fmt::format("the answer is longer than {} bytes", options_.limit_bytes));
    }
    while (count > 0) {
      const ssize_t written = ::write(descriptor_, bytes, count);
      if (written < 0) {
        if (errno == EINTR) continue;
        fail(errno);
      }
      bytes += written;
      count -= static_cast<std::size_t>(written);
      size_ += written;
    }
  }

  [[noreturn]] void fail(int code) const {
    throw SystemError({.where = path_.string(),
                       .expected = "to write the download to it",
                       .got = std::strerror(code),
                       .fix = code == ENOSPC || code == EDQUOT ? "free some disk space, or choose another folder"
                                                               : "check the path and its permissions"});
  }

  const fs::path& path_;
  const DownloadOptions& options_;
  int descriptor_;
  Index size_ = 0;
  Index resumed_at_ = 0;
  std::exception_ptr error_;
};

/// What one try came to.
struct Attempt {
  CURLcode code = CURLE_OK;
  long status = 0;
  std::string reason;
};

Attempt try_once(const std::string& url, Sink& sink, const DownloadOptions& options) {
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  if (!curl)
    throw SystemError(
        {.where = "libcurl", .expected = "it to start", .got = "a refusal", .fix = "check the installation"});
  std::array<char, CURL_ERROR_SIZE> message{};
  const auto timeout_ms = static_cast<long>(options.connect_timeout_seconds * 1000);
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_MAXREDIRS, 5L);
  curl_easy_setopt(curl.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_USERAGENT, "saccade");
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_TIME, std::max(1L, timeout_ms / 1000));
  curl_easy_setopt(curl.get(), CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(sink.size()));
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &Sink::write);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &sink);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, &Sink::progress);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &sink);
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, message.data());
  sink.start_attempt();
  Attempt attempt;
  attempt.code = curl_easy_perform(curl.get());
  sink.rethrow();
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &attempt.status);
  attempt.reason = message[0] != '\0' ? message.data() : curl_easy_strerror(attempt.code);
  return attempt;
}

/// Whether trying again may help.
bool is_passing(const Attempt& attempt) {
  switch (attempt.code) {
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return attempt.status != 0 || attempt.code != CURLE_OPERATION_TIMEDOUT;  // no answer at all: give up soon
    case CURLE_HTTP_RETURNED_ERROR:
      return attempt.status == 429 || attempt.status >= 500;
    default:
      return false;
  }
}

}  // namespace

void download(const std::string& url, const fs::path& path, const DownloadOptions& options) {
  static std::once_flag started;
  std::call_once(started, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  Sink sink(path, options);
  int fruitless = 0;
  for (int restarts = 0;;) {
    const Index before = sink.size();
    const Attempt attempt = try_once(url, sink, options);
    const bool nothing_follows = attempt.code == CURLE_HTTP_RETURNED_ERROR && attempt.status == 416 && before > 0;
    if (attempt.code == CURLE_OK || nothing_follows) return;
    if (attempt.code == CURLE_RANGE_ERROR && before > 0 && restarts < options.attempts) {
      ++restarts;
      sink.clear();  // this server cannot go on in the middle
      continue;
    }
    fruitless = sink.size() > before ? 0 : fruitless + 1;
    if (!is_passing(attempt) || fruitless >= options.attempts) throw SourceFailure(attempt.reason);
    std::this_thread::sleep_for(std::chrono::duration<double>(options.pause_seconds));
  }
}

}  // namespace saccade::data
