#pragma once
#include <stdexcept>
#include <string>

namespace saccade {

/// The four things every message says. `where` names the object ("conv2d 'c2'", "train-images: byte 4");
/// `fix` is what the reader can do about it.
struct ErrorText {
  std::string where;
  std::string expected;
  std::string got;
  std::string fix;
};

/// Base of every error that the user's input can cause; what() is one line:
///   {where}: expected {expected}, got {got}; {fix}
/// Empty parts are left out, and every part is printable() (control characters of a file name stand as \xNN). The
/// command prints exactly that line and exits with 2.
class Error : public std::runtime_error {
 public:
  explicit Error(ErrorText text);
  const ErrorText& text() const noexcept { return text_; }

 private:
  ErrorText text_;
};

/// An argument or option outside its domain (negative stride, unknown name, NaN learning rate).
class ValueError : public Error {
 public:
  using Error::Error;
};

/// Tensors, layers or images whose shapes do not fit together.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// A file or byte stream that is not what its format demands; `where` names file and byte offset or tensor.
class FormatError : public Error {
 public:
  using Error::Error;
};

/// The operating system refused: missing file, no permission, disk full.
class SystemError : public Error {
 public:
  using Error::Error;
};

}  // namespace saccade
