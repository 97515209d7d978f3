#pragma once
// What the tests of this folder share: archives made on the spot, and a web server on this machine that
// can break connections.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "saccade/data/fetch/sha256.h"
#include "saccade/data/gzip.h"

namespace saccade::data {

inline std::string sha256_of(std::string_view text) {
  Sha256 sha;
  sha.update(std::as_bytes(std::span(text)));
  return sha.finish();
}

inline std::string gzipped(std::string_view text) {
  const std::vector<std::byte> bytes = gzip(std::as_bytes(std::span(text)));
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// One member of a ustar archive: header, content, padding.
inline std::string tar_member(std::string_view name, std::string_view content, char type = '0',
                              std::string_view prefix = "") {
  std::string header(512, '\0');
  auto field = [&header](std::size_t at, std::string_view text) { header.replace(at, text.size(), text); };
  field(0, name);
  field(100, "0000644");
  field(124, fmt::format("{:011o}", content.size()));
  field(148, "        ");
  header[156] = type;
  field(257, std::string_view("ustar\00000", 8));
  field(345, prefix);
  unsigned sum = 0;
  for (const char byte : header) sum += static_cast<unsigned char>(byte);
  field(148, fmt::format("{:06o}", sum));
  header[154] = '\0';
  const std::size_t padding = (512 - content.size() % 512) % 512;
  return header + std::string(content) + std::string(padding, '\0');
}

inline std::string tar_end() { return std::string(1024, '\0'); }

/// Serves files over HTTP/1.1 on 127.0.0.1, one connection after the other, and writes down every request.
class HttpServer {
 public:
  struct Request {
    std::string path;
    std::string range;  ///< What stands behind "Range: ", or nothing.
  };

  HttpServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    // A proxy that this machine may be set up with must not come between.
    ::setenv("no_proxy", "127.0.0.1", 1);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no local port");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~HttpServer() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  /// Set these before the first request.
  std::map<std::string, std::string> files;  ///< By path: "/a.gz". Anything else is answered with 404.
  bool ranges = true;                        ///< Whether Range requests are answered with 206.
  std::size_t break_after = SIZE_MAX;        ///< Bytes of content before a connection breaks.
  int broken_connections = 1000;             ///< Only so many break.

  std::string url() const { return fmt::format("http://127.0.0.1:{}/", port_); }
  std::vector<Request> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve() {
    while (!stopping_) {
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) continue;
      answer(connection);
      ::close(connection);
    }
  }

  static void send_all(int connection, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  void answer(int connection) {
    std::string text;
    char buffer[1024];
    while (text.find("\r\n\r\n") == std::string::npos) {
      const ssize_t count = ::recv(connection, buffer, sizeof(buffer), 0);
      if (count <= 0) return;
      text.append(buffer, static_cast<std::size_t>(count));
    }
    Request request{.path = text.substr(4, text.find(' ', 4) - 4), .range = ""};
    if (const std::size_t at = text.find("Range: "); at != std::string::npos) {
      request.range = text.substr(at + 7, text.find("\r\n", at) - at - 7);
    }
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    const auto file = files.find(request.path);
    if (file == files.end()) {
      send_all(connection, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      return;
    }
    std::string_view content = file->second;
    std::string head = "HTTP/1.1 200 OK\r\n";
    if (ranges && request.range.starts_with("bytes=")) {
      const std::size_t begin = std::stoul(request.range.substr(6));
      if (begin >= content.size()) {
        send_all(connection, fmt::format("HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */{}\r\n"
                                         "Content-Length: 0\r\nConnection: close\r\n\r\n",
                                         content.size()));
        return;
      }
      head = fmt::format("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {}-{}/{}\r\n", begin, content.size() - 1,
                         content.size());
      content.remove_prefix(begin);
    }
    send_all(connection, head + fmt::format("Content-Length: {}\r\nConnection: close\r\n\r\n", content.size()));
    if (content.size() > break_after && broken_connections > 0) {
      --broken_connections;
      content = content.substr(0, break_after);
    }
    send_all(connection, content);
  }

  int listener_;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::vector<Request> requests_;
  std::thread thread_;
};

}  // namespace saccade::data
