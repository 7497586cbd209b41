"""The terminal as Textual's app sees it.

Nothing here waits for the terminal, and nothing outlives it.
"""

import errno
import os
import select
import signal
import sys
import termios
from codecs import getincrementaldecoder
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any

from textual import constants, events

from tui.terminal.keyboard import Keyboard
from tui.terminal.questions import Questions
from tui.terminal.textual_private import KEYBOARD_FLAGS, OpenDriver
from tui.terminal.writer import Writer, open_again
from tui.text import one_line

_READ = 65_536
_PATIENCE = 1.0
"""Seconds that a terminal has to take what is left when the app lets it go."""
_UTF8 = "\x1b%G"
_NO_UTF8 = "\x1b%@"
"""From ISO 2022: they tell a terminal of another locale, such as xterm, what it reads.
One that is for UTF-8 alone ignores them.
"""
_SAVE_TITLE = "\x1b[22;0t"
_RESTORE_TITLE = "\x1b[23;0t"


class TerminalDriver(OpenDriver):
    """Reads keys and pastes through `Keyboard`, writes through `Writer`, and ends the
    app with its terminal.
    """

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._writer: Writer | None = None
        self._active = False
        self._lost = False
        self._title = ""
        self._reader: Thread | None = None
        self._questions = Questions(self.write)
        self._wake: tuple[int, int] = os.pipe()
        for number in (signal.SIGTERM, signal.SIGHUP):
            with suppress(RuntimeError, ValueError):  # not in the main thread
                self.loop.add_signal_handler(number, app.exit)

    @property
    def waiting(self) -> int:
        """How many writes the terminal has not begun to read."""
        return self._writer.waiting if self._writer else 0

    def write(self, data: str) -> None:
        """Have it written, in order; never waits, and does nothing once the terminal is
        let go.
        """
        if self._writer:
            self._writer.write(data)

    def ask(self, query: str) -> bytes:
        """Ask the terminal; return its answers up to that to DA1, or those in time.

        It is an `Ask` of `tui.graphics.probe`, for threads: it waits for up to 2 s, and
        before that for what a question before it is still owed.
        """
        return self._questions.ask(query)

    def show_title(self, title: str) -> None:
        """Show a title on the terminal's window; the former one comes back when the
        terminal is let go.
        """
        if title == self._title:
            return
        save = "" if self._title else _SAVE_TITLE
        self._title = title
        self.write(save + _title(title))

    def start_application_mode(self) -> None:
        """Take the terminal over. Does nothing where it is ours already, or where we
        are in the background.
        """
        if self._active or not self._in_foreground():
            return
        assert sys.__stdout__ is not None  # the app has looked that it is a terminal
        self._active = True
        self._writer = Writer(
            sys.__stdout__,
            on_gone=lambda: self._soon(self._gone),
            on_caught_up=lambda pictures: self._soon(self._repaint, pictures),
        )
        signal.signal(signal.SIGWINCH, lambda *_: self._soon(self._tell_size, False))
        self._tell_size()
        self.attrs_before = None
        with suppress(termios.error):
            self.attrs_before = termios.tcgetattr(self.fileno)
        self._take_keys()
        # Python itself sets this where no locale is set
        if not _is_utf8_usual() or os.environ.get("LC_CTYPE") == "C.UTF-8":
            self.write(_UTF8)
        # The alternate screen has a keyboard stack of its own.
        self.write("\x1b[?1049h")
        if not constants.DISABLE_KITTY_KEY:
            self.write(f"\x1b[>{KEYBOARD_FLAGS}u")
        if self._title:
            self.write(_SAVE_TITLE + _title(self._title))
        self.enable_modes()
        self.exit_event.clear()
        self._reader = Thread(
            target=self.run_reader, name="terminal-input", daemon=True
        )
        self._reader.start()
        self.ask_for_features()

    def _take_keys(self) -> None:
        """Keys come one by one, and none of them is a signal."""
        with suppress(termios.error):
            attributes = termios.tcgetattr(self.fileno)
            self.make_raw(attributes)
            termios.tcsetattr(self.fileno, termios.TCSANOW, attributes)

    def _in_foreground(self) -> bool:
        """Whether the terminal may be used. In the background, the process stops itself
        once more.
        """

        def stop_again(*_: object) -> None:
            os.kill(os.getpid(), signal.SIGSTOP)

        # A change that changes nothing: the kernel tells by a signal that it isn't ours
        # to make.
        signal.signal(signal.SIGTTOU, stop_again)
        try:
            termios.tcsetattr(
                self.fileno, termios.TCSANOW, termios.tcgetattr(self.fileno)
            )
        except termios.error as error:
            # That one is the signal; SIGCONT is on its way to us
            if error.args[0] != errno.EINTR:
                self._gone()
            return False
        finally:
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        return True

    def _tell_size(self, always: bool = True) -> None:
        """Tell the app how large the terminal is, unless the terminal does so by
        itself.
        """
        if always or not self.terminal_reports_size:
            size = self.terminal_size()
            self.send_message(events.Resize(size, size))

    def disable_input(self) -> None:
        """No more keys; those that were typed but not read are forgotten, so that no
        shell takes them.
        """
        thread, self._reader = self._reader, None
        if thread is None:
            return
        signal.signal(signal.SIGWINCH, signal.SIG_DFL)
        self.exit_event.set()
        os.write(self._wake[1], b"\0")
        thread.join(_PATIENCE)
        with suppress(termios.error):
            termios.tcflush(self.fileno, termios.TCIFLUSH)

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was."""
        if not self._active:
            return
        self._active = False
        self.disable_input()
        if self.attrs_before is not None:
            with suppress(termios.error):
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
        self.write(self._farewell)

    @property
    def _farewell(self) -> str:
        """What undoes `start_application_mode`."""
        kitty = "" if constants.DISABLE_KITTY_KEY else "\x1b[<u"
        resize = "\x1b[?2048l" if self.terminal_reports_size else ""
        mouse = (
            "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l" if self.uses_mouse else ""
        )
        pixels = "\x1b[?1016l" if self.uses_mouse_pixels else ""
        title = _RESTORE_TITLE if self._title else ""
        usual = "" if _is_utf8_usual() else _NO_UTF8
        modes = f"{resize}{pixels}{mouse}{kitty}{title}"
        return f"\x1b[?2004l\x1b[?7h{modes}\x1b[?1049l\x1b[?25h\x1b[?1004l{usual}"

    def close(self) -> None:
        """Wait until the terminal has taken what was written last, for a second at
        most.
        """
        writer, self._writer = self._writer, None
        if writer:
            writer.close(self._farewell, _PATIENCE)

    def run_input_thread(self) -> None:
        """Read until the app or the terminal ends."""
        own = open_again(self.fileno, os.O_RDONLY)
        try:
            self._read_all(self.fileno if own is None else own)
        except OSError:
            self._soon(self._gone)
        finally:
            if own is not None:
                os.close(own)

    def _read_all(self, descriptor: int) -> None:
        """Raises OSError where the terminal is gone."""
        # A byte that is no UTF-8 (alt and a letter in an 8-bit terminal) must not end
        # the reading of keys.
        decode = getincrementaldecoder("utf-8")("replace").decode
        keyboard = Keyboard(on_reply=self._questions.take, debug=self.is_debugging)
        wake = self._wake[0]
        while not self.exit_event.is_set():
            ready = select.select([descriptor, wake], [], [], keyboard.patience)[0]
            if wake in ready:
                os.read(wake, 1)
                continue
            if descriptor in ready:
                with suppress(BlockingIOError):  # another program was quicker
                    data = os.read(descriptor, _READ)
                    if not data and _hung_up(descriptor):
                        raise OSError(errno.EIO, os.strerror(errno.EIO))
                    for message in keyboard.feed(decode(data)):
                        self.process_message(message)
            for message in keyboard.tick():
                self.process_message(message)

    def on_stop_signal(self) -> None:
        self._soon(self._suspend)

    def on_continue_signal(self) -> None:
        self._soon(self._continue)

    def _suspend(self) -> None:
        """Let the terminal go, and stop until somebody sends SIGCONT."""
        if self.resumes_itself:
            self.suspend_application_mode()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _continue(self) -> None:
        """After a stop: whatever the terminal was used for meanwhile, it is ours again,
        and painted in full.

        The kernel sends SIGCONT also when the terminal goes away.
        """
        if not self.resumes_itself or self._lost or self.is_app_exiting:
            return
        if not self._active:
            self.start_application_mode()
        elif self._in_foreground():
            self._take_keys()
            self.write("\x1b[?1049h")
            if not constants.DISABLE_KITTY_KEY:
                self.write(f"\x1b[={KEYBOARD_FLAGS};1u")  # not one more on the stack
            self.enable_modes()
            self._tell_size()
        if self._active:
            self._repaint(pictures=True)

    def _repaint(self, pictures: bool) -> None:
        """Paint the whole screen; `pictures`: those that the terminal keeps have to be
        sent again, too.
        """

        def paint() -> None:
            if pictures:
                self.app.app_resume_signal.publish(self.app)
            self.app.refresh(layout=True)

        self.app.call_later(paint)

    def _gone(self) -> None:
        """There is no terminal any more: end the app, in which tasks are let go for the
        next start.
        """
        if not self._lost:
            self._lost = True
            if self._writer:
                self._writer.discard()
            self.app.exit()

    def _soon(self, call: Callable[..., None], *args: object) -> None:
        """Do it in the event loop; for threads and handlers of signals."""
        with suppress(RuntimeError):  # the loop has ended
            self.loop.call_soon_threadsafe(call, *args)


def _is_utf8_usual() -> bool:
    """Whether the locale says that the terminal reads UTF-8.

    `locale.getencoding` doesn't tell: Python puts UTF-8 in the place of the C locale.
    """
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next(filter(None, map(os.environ.get, names)), "")
    return "utf8" in locale.lower().replace("-", "")


def _title(text: str) -> str:
    return f"\x1b]2;{one_line(text)}\x1b\\"


def _hung_up(descriptor: int) -> bool:
    """Whether the terminal is gone, and not just at the end of a line that a shell has
    read as a whole.
    """
    try:
        termios.tcgetattr(descriptor)
    except termios.error:
        return True
    return False
