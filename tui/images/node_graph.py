"""The nodes of a graph, the links between them, and how much of it may be looked at."""

import re
from typing import Any

_MOST_STEPS = 200_000  # nodes and inputs looked at in one graph
_MOST_NAME = 100  # characters of an input's or a class's name


class Graph:
    """The inputs of nodes by their names, and how much more may be looked at."""

    def __init__(self, nodes: dict[str, Any]) -> None:
        self.kinds: dict[str, str] = {}
        self.nodes: dict[str, dict[str, Any]] = {}
        for name, node in nodes.items():
            inputs = node.get("inputs") if isinstance(node, dict) else None
            if isinstance(inputs, dict):
                self.kinds[name] = str(node.get("class_type", ""))[:_MOST_NAME]
                self.nodes[name] = {
                    each: value
                    for each, value in inputs.items()
                    if len(each) <= _MOST_NAME
                }
        self.texts = 0  # that were looked at, by whoever puts texts together
        self._steps = _MOST_STEPS

    def node(self, link: Any) -> str:
        """Returns the node that a link leads to; nothing where it is no link."""
        self._step(1)
        if not isinstance(link, list) or not link or not isinstance(link[0], str | int):
            return ""
        name = str(link[0])
        return name if name in self.nodes else ""

    def inputs(self, name: str) -> dict[str, Any]:
        """Returns the inputs of a node."""
        inputs = self.nodes[name]
        self._step(len(inputs))
        return inputs

    def _step(self, count: int) -> None:
        """Raises ValueError once too much was looked at."""
        self._steps -= count
        if self._steps < 0:
            raise ValueError("the graph is too large")

    def in_order(self, starts: list[str], through: re.Pattern[str]) -> list[str]:
        """Returns these nodes and all that lead to them, by inputs of such names.

        Each comes once, behind those that lead to it.
        """
        order: dict[str, None] = {}
        entered: set[str] = set()
        for start in starts:
            waiting = [start]
            while waiting:
                name = waiting[-1]
                if name in entered:
                    order.setdefault(waiting.pop())
                    continue
                entered.add(name)
                before = [
                    self.node(value)
                    for each, value in self.nodes[name].items()
                    if through.search(each)
                ]
                waiting += [
                    each for each in reversed(before) if each and each not in entered
                ]
        return list(order)

    def nearest(self, start: Any, names: tuple[str, ...], kind: type) -> Any:
        """Returns the nearest value of these names and this type, up the links.

        It may be `start` itself. None where there is no such value.
        """
        seen: set[str] = set()
        queue = [start]
        for value in queue:
            if isinstance(value, dict):
                value = value.get("content")  # how pysssss names a model
            if type(value) is kind:
                return value
            name = self.node(value)
            if not name or name in seen:
                continue
            seen.add(name)
            inputs = self.inputs(name)
            queue += [inputs[each] for each in names if each in inputs]
            queue += [item for item in inputs.values() if isinstance(item, list)]
        return None
