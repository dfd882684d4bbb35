"""What the pump keeps of models: the list, and the download that runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..json_process import JsonProcess, Message
from ..session import Session
from ..shared.backend_process import backend_program
from ..shared.errors import BackendStartFailed, BacklotError, InvalidRequest, from_wire


@dataclass(frozen=True)
class ModelRow:
    """A model as the list shows it. bytes: of its files that are there."""

    name: str
    title: str
    engine: str
    licence: str
    commercial: bool
    note: str
    ready: bool
    bytes: int
    folder: str


@dataclass(frozen=True)
class Program:
    """What runs: python and source of the backend (None: as set up), and the weights folder ("" for the usual one)."""

    python: Path | None = None
    source: Path | None = None
    weights: str = ""


@dataclass
class WeightsManager:
    """models: None until the list was read. fetching: the model on its way. done, total: bytes of the file at work."""

    session: Session
    models: tuple[ModelRow, ...] | None = None
    folder: str = ""
    fetching: str = ""
    file: str = ""
    done: int = 0
    total: int | None = None
    error: BacklotError | None = None
    _process: JsonProcess | None = None
    _asked: Program | None = field(default=None)

    @property
    def busy(self) -> bool:
        return self._process is not None

    def wish(self, program: Program) -> None:
        """Reads the list, unless it is that of this program already. Panels call it at every drawing."""
        if self._asked != program and not self.busy:
            self._asked = program
            self.session.background(lambda: None, lambda _: self._list(program), self._failed)

    def fetch(self, name: str, program: Program, *, accept_licence: bool) -> None:
        """Raises `InvalidRequest` while something is on its way, `BackendStartFailed`."""
        if self.busy:
            raise InvalidRequest(
                f"{self.fetching or 'The list of models'} is on its way.", "Wait for it, or stop it first."
            )
        arguments = ["--get", name, *(["--accept-licence"] if accept_licence else [])]
        self.fetching, self.file, self.done, self.total = name, "", 0, None
        self._start(program, arguments)

    def delete(self, name: str, program: Program) -> None:
        """Raises as `fetch` does."""
        if self.busy:
            raise InvalidRequest(f"{self.fetching or 'The list of models'} is on its way.", "Wait for it first.")
        self._start(program, ["--delete", name])

    def cancel(self) -> None:
        """What arrived stays."""
        if self._process is not None:
            self._process.close()
            self._ended()

    def step(self) -> None:
        """The pump's turn."""
        if self._process is None:
            return
        for message in self._process.arrived():
            self.session.changed = True
            self._heard(message)
            if self._process is None:
                return

    def wait(self) -> None:
        """Until it is over: for scripts. Raises what went wrong."""
        if self._process is not None:
            for message in self._process.until_it_ends():
                self._heard(message)
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None

    def _list(self, program: Program) -> None:
        try:
            self._start(program, [])
        except BacklotError as error:
            self._failed(error)

    def _failed(self, error: BacklotError) -> None:
        self.error, self.session.changed = error, True

    def _start(self, program: Program, arguments: list[str]) -> None:
        python, source = backend_program(self.session.home, program.python, program.source)
        folder = ["--weights", program.weights] if program.weights else []
        self.error = None
        command = [str(python), "-m", "backend.weights", "--json", *folder, *arguments]
        self._process = JsonProcess(command, source, {})

    def _heard(self, message: Message | None) -> None:
        if message is None:
            self._ended()
        elif message.get("event") == "progress":
            self.file, self.done, self.total = str(message["file"]), int(message["done"]), message["total"]
        elif message.get("event") == "failed":
            self.error = from_wire(message)
        elif message.get("event") == "done":
            self.folder = str(message["folder"])
            self.models = tuple(_row(one) for one in message["models"])

    def _ended(self) -> None:
        process, self._process = self._process, None
        assert process is not None
        if self.models is None and self.error is None:
            said = process.lines[-1] if process.lines else "it said nothing"
            self.error = BackendStartFailed(f"The models could not be listed: {said}")
        self.fetching, self.session.changed = "", True


def _row(plain: Message) -> ModelRow:
    return ModelRow(**{name: plain[name] for name in ModelRow.__dataclass_fields__})
