"""What is known of a base URL beside its tasks: what it has shown of itself, and what
was uploaded there.
"""

import math
import time

from tui.service.retry_after import LONGEST as LONGEST_REST
from tui.tasks.queue_file import QueueFile

ENDED_UPLOADS = 30 * 86400.0
"""Seconds for which an upload that has ended is still known as one."""


class LearntFacts(QueueFile):
    """Reads and writes such facts. Every method raises StoreError."""

    def learnt(self, base_url: str) -> dict[str, str]:
        """What has shown itself about a base URL: its route, the place of a task's
        status, its rest's end.
        """
        found = dict(
            self._read("select name, value from learnt where base_url = ?", base_url)
        )
        latest = time.time() + LONGEST_REST
        return {
            name: value
            for name, value in found.items()
            if not _is_rest(name) or _moment(value) <= latest
        }

    def learn(self, base_url: str, name: str, value: str) -> None:
        with self._writing():
            self._db.execute(
                "insert or replace into learnt values (?, ?, ?)",
                (base_url, name, value),
            )

    def uploaded(self, base_url: str, digest: str) -> str:
        """Where that content can still be read by the service; empty if nowhere."""
        wanted = (
            "select url from uploads where base_url = ? and digest = ? and until > ?"
            " and until <= ?"
        )
        now = time.time()
        found = self._read(wanted, base_url, digest, now, now + LONGEST_REST)
        return str(found[0][0]) if found else ""

    def upload_ends(self, base_url: str, url: str) -> float:
        """Until when an upload could be read by the service; 0 for an address that is
        no known upload.
        """
        found = self._read(
            "select max(until) from uploads where base_url = ? and url = ?",
            base_url,
            url,
        )
        return float(found[0][0] or 0)

    def remember_upload(
        self, base_url: str, digest: str, url: str, seconds: float
    ) -> None:
        with self._writing():
            self._db.execute(
                "delete from uploads where until < ?", (time.time() - ENDED_UPLOADS,)
            )
            # An earlier address of the same content stays known, under no digest that
            # is ever looked for.
            self._db.execute(
                "update or replace uploads set digest = digest || ' ' || url where"
                " base_url = ? and digest = ?",
                (base_url, digest),
            )
            self._db.execute(
                "insert or replace into uploads values (?, ?, ?, ?)",
                (base_url, digest, url, time.time() + seconds),
            )


def _is_rest(name: str) -> bool:
    return name == "rest" or name.startswith("rest ")


def _moment(text: str) -> float:
    """A time as it was learnt; endless for what is none."""
    try:
        moment = float(text or 0)
    except ValueError:
        return math.inf
    return moment if math.isfinite(moment) else math.inf
