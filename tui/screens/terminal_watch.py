"""Notices when the terminal changes while the app runs.

Its font may, which changes the pixels of a cell, and another terminal may show our tmux.
"""

import asyncio
import os
import time
from dataclasses import replace

from textual import events
from textual.timer import Timer

from tui.graphics import cell_size, tmux
from tui.graphics.probe import PIXELS, Terminal, measure_again, probe_again
from tui.screens.shell import Shell
from tui.system.threads import AbandonedPool
from tui.terminal.driver import TerminalDriver
from tui.terminal.textual_private import driver_of

_POLL_SECONDS = 2.0
"""How often tmux is asked who shows our pane: it tells nothing by itself."""
_KEY_SECONDS = 2.0
"""A key is a reason to measure again after so long, where no signal tells of a font."""
_LEAST_WAIT = 0.05
_MOST_TRIES = 3
"""After so many questions without an answer, the safest way to draw is used."""
_THREAD = AbandonedPool(1, "terminal-watch")


class TerminalWatch:
    """Asks the terminal again when it may have changed, and has pictures follow."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._driver: TerminalDriver | None = None
        self._kernel: cell_size.Cell | None = None
        self._shown_by: frozenset[str] = frozenset()
        """The terminals that showed our pane of tmux when it was asked last."""
        self._tries = 0
        self._was_sent = False
        self._is_lost = False
        """Whether a picture was sent while nobody looked: tmux drops it then."""
        self._is_polling = False
        self._is_busy = False
        self._is_wanted = False
        self._wants_cell = False
        self._measured_at = 0.0
        self._timer: Timer | None = None

    def start(self) -> None:
        """Starts to watch, unless the app has no terminal."""
        driver = driver_of(self._shell)
        if not isinstance(driver, TerminalDriver):
            return
        self._driver = driver
        self._kernel = cell_size.of_kernel()
        self._begin_to_poll()

    def _begin_to_poll(self) -> None:
        """Has tmux asked in turns, once it has told who shows our pane."""
        viewers = self._shell.terminal.viewers
        if viewers is None or self._is_polling or self._is_without_pixels:
            return
        self._is_polling = True
        self._shown_by = viewers
        self._shell.set_interval(_POLL_SECONDS, self._look)

    @property
    def _is_without_pixels(self) -> bool:
        """Whether the user wants none, so that no answer changes how images are drawn."""
        choice = self._shell.session.config.images
        return choice != "auto" and choice not in PIXELS

    def note(self, event: events.Event) -> None:
        """Looks again after an event that may mean a change."""
        if self._driver is None:
            return
        if isinstance(event, events.Resize):
            self._follow_kernel()
        if isinstance(event, events.Resize | events.AppFocus):
            self._measure_soon()
        elif isinstance(event, events.Key) and self._kernel is None:
            self._measure_in_time()

    def note_picture(self) -> None:
        """Finds out whether a picture that was just sent has reached a terminal."""
        self._was_sent = True
        if self._shell.terminal.viewers is not None:
            self._look()

    def _measure_in_time(self) -> None:
        """Measures again where the font may have changed without a signal.

        asciinema and others pass no pixels on, so that nothing changes for the kernel.
        """
        if self._timer is None:
            age = time.monotonic() - self._measured_at
            wait = max(_LEAST_WAIT, _KEY_SECONDS - age)
            self._timer = self._shell.set_timer(wait, self._measure_soon)

    def _follow_kernel(self) -> None:
        """Uses the size of a cell that the kernel knows until the terminal answers."""
        before = self._kernel
        self._kernel = cell_size.of_kernel()
        terminal = self._shell.terminal
        cell = cell_size.rescaled(terminal.cell, before, self._kernel)
        self._use(replace(terminal, cell=cell))

    def _use(self, terminal: Terminal) -> None:
        if terminal != self._shell.terminal:
            self._shell.change_terminal(terminal)
        else:
            self._shell.terminal = terminal

    def _measure_soon(self) -> None:
        self._timer = None
        self._wants_cell = True
        self._look()

    def _look(self) -> None:
        if self._is_without_pixels:
            return
        terminal = self._shell.terminal
        is_pointless = terminal.late or terminal.images not in PIXELS
        if is_pointless and terminal.multiplexer != "tmux":
            return
        self._is_wanted = True
        if not self._is_busy:
            self._is_busy = True
            self._shell.run_worker(self._examine(), exit_on_error=False)

    async def _examine(self) -> None:
        """Asks until nothing has happened meanwhile."""
        try:
            while self._is_wanted:
                self._is_wanted = False
                wants_cell = self._wants_cell
                self._wants_cell = False
                if self._shell.terminal.multiplexer == "tmux":
                    await self._examine_tmux()
                if wants_cell:
                    await self._measure()
        finally:
            self._is_busy = False

    async def _measure(self) -> None:
        driver = self._driver
        assert driver is not None
        self._measured_at = time.monotonic()
        terminal = self._shell.terminal
        ask = driver.ask
        loop = asyncio.get_running_loop()
        cell = await loop.run_in_executor(_THREAD, measure_again, terminal, ask)
        if cell:
            self._use(replace(self._shell.terminal, cell=cell))

    async def _examine_tmux(self) -> None:
        """Asks a tmux on another machine whenever it has been resized, or focused."""
        if self._shell.terminal.viewers is not None:
            await self._ask_tmux()
            return
        found = await self._probe()
        if not found.late:  # else it stays as it was known
            self._use(found)
            self._begin_to_poll()
        self._shell.send_pictures_again()

    async def _ask_tmux(self) -> None:
        """Asks tmux who shows our pane: they may lack its pictures, or be other ones."""
        was_sent = self._was_sent
        self._was_sent = False
        loop = asyncio.get_running_loop()
        viewers = await loop.run_in_executor(_THREAD, tmux.viewers, os.environ)
        if viewers is None:
            return
        ids = frozenset(viewer.id for viewer in viewers)
        self._is_lost |= was_sent and not ids
        needs_pictures = ids - self._shown_by or (ids and self._is_lost)
        self._shown_by = ids
        is_heard = any(viewer.has_keys for viewer in viewers)
        if is_heard and ids != self._shell.terminal.viewers:
            await self._meet()
        if needs_pictures:
            self._is_lost = False
            self._shell.send_pictures_again()

    async def _meet(self) -> None:
        """Asks those who are new. One that is still starting may lose the answer."""
        found = await self._probe()
        self._tries += 1
        if not found.late or self._tries == _MOST_TRIES:
            self._tries = 0
            self._use(found)

    async def _probe(self) -> Terminal:
        driver = self._driver
        assert driver is not None
        config = self._shell.session.config
        loop = asyncio.get_running_loop()

        def probe() -> Terminal:
            terminal = self._shell.terminal
            choice, budget = config.images, config.image_bytes
            return probe_again(terminal, driver.ask, choice, os.environ, budget)

        return await loop.run_in_executor(_THREAD, probe)
