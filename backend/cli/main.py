"""Commands and their arguments."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from backend.cli.import_camera import add_import_camera, import_camera
from backend.cli.motion import add_motion, motion
from backend.cli.prompts import add_prompt_flags, labels_of, spoken
from backend.cli.world import add_world, world
from shared import VERSION
from shared.command_line import add_stage_flags, implied_stages, refuse_later_flags, stage_values
from shared.connection import home_dir
from shared.errors import BacklotError, InvalidRequest, JobCancelled
from shared.messages import JobRequest
from shared.stages import stage_info

EXIT_FAILED, EXIT_USAGE, EXIT_CANCELLED = 1, 2, 130

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit code: 0 done, 1 failed, 2 wrong use, 130 cancelled."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given[:1] == ["run"]:
            refuse_later_flags(given)
        namespace = _parser().parse_args(given)
        command: Command = namespace.command
        return command(namespace)
    except BacklotError as error:
        return _report(error, as_json="--json" in given)


def _report(error: BacklotError, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"event": "failed", "error": error.to_wire()}, ensure_ascii=False), flush=True)
    print(f"backlot: {error.message}", file=sys.stderr)
    if error.remedy:
        print(f"         {error.remedy}", file=sys.stderr)
    if isinstance(error, JobCancelled):
        return EXIT_CANCELLED
    return EXIT_USAGE if isinstance(error, InvalidRequest) else EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m backend", description="Backlot's backend.")
    parser.add_argument("--version", action="version", version=f"Backlot {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands)
    _add_serve(commands)
    _add_doctor(commands)
    _add_stop(commands)
    _add_import_camera(commands)
    _add_world(commands)
    _add_motion(commands)
    return parser


_Commands = argparse._SubParsersAction


def _add_run(commands: _Commands[argparse.ArgumentParser]) -> None:
    run = commands.add_parser(
        "run",
        help="run stages on a clip, without a server and without Blender",
        usage="python -m backend run [FOOTAGE] [-s STAGES] [--shot DIR] [--json] [parameters of the stages]",
    )
    run.add_argument(
        "footage", nargs="?", default="", metavar="FOOTAGE",
        help="a video file, a folder of frames, or a name.####.ext pattern; none continues a shot",
    )  # fmt: skip
    run.add_argument(
        "-s", "--stages", default="ingest,solve", help="stages, separated by commas (default: ingest,solve)"
    )
    run.add_argument("--shot", type=Path, metavar="DIR", help="shot folder (default: NAME_backlot beside the footage)")
    run.add_argument("--json", action="store_true", help="print one JSON object a line: progress, then the result")
    run.add_argument("--force", action="store_true", help="run the stages even when they are up to date")
    run.add_argument("--device", default="auto", help="auto, cpu, cuda:0, ... (default: auto)")
    add_stage_flags(run)
    add_prompt_flags(run)
    run.set_defaults(command=_run)


def _add_serve(commands: _Commands[argparse.ArgumentParser]) -> None:
    serve = commands.add_parser("serve", help="serve clients until told to stop")
    serve.add_argument("--home", type=Path, help="folder of the connection file, history and logs")
    serve.add_argument("--port", type=int, default=0, help="TCP port on 127.0.0.1 (default: any free one)")
    serve.add_argument("--idle-timeout", type=float, metavar="S", help="stop after S seconds without clients and jobs")
    serve.add_argument("--parent-pid", type=int, metavar="PID", help="stop when that process ends")
    serve.set_defaults(command=_serve)


def _add_doctor(commands: _Commands[argparse.ArgumentParser]) -> None:
    doctor = commands.add_parser("doctor", help="say what is ready on this computer, and what is missing")
    doctor.add_argument("--json", action="store_true", help="print the facts as one JSON object")
    doctor.set_defaults(command=_doctor)


def _add_stop(commands: _Commands[argparse.ArgumentParser]) -> None:
    stop = commands.add_parser("stop", help="stop the running server; its jobs continue at the next start")
    stop.set_defaults(command=_stop)


def _add_import_camera(commands: _Commands[argparse.ArgumentParser]) -> None:
    importing = commands.add_parser("import-camera", help="bring another program's camera into a shot")
    add_import_camera(importing)
    importing.set_defaults(command=import_camera)


def _add_world(commands: _Commands[argparse.ArgumentParser]) -> None:
    setting = commands.add_parser("world", help="set a shot's origin, up, heading and scale")
    add_world(setting)
    setting.set_defaults(command=world)


def _add_motion(commands: _Commands[argparse.ArgumentParser]) -> None:
    moving = commands.add_parser(
        "motion", help="say how a captured person moved, or write the motion for other programs"
    )
    add_motion(moving)
    moving.set_defaults(command=motion)


def _run(namespace: argparse.Namespace) -> int:
    from .run import run_here

    words = spoken(namespace)
    labels_of(words)  # what cannot be read is refused before any file is touched
    named = tuple(stage_info(name.strip()).name for name in namespace.stages.split(",") if name.strip())
    values = stage_values(namespace)
    implied = implied_stages(values) + (("roto",) if words else ())
    request = JobRequest(
        shot=str(_shot_folder(namespace)),
        footage=str(Path(namespace.footage).expanduser().absolute()) if namespace.footage else "",
        stages=(*named, *(stage for stage in implied if stage not in named)),
        params=values,
        device=namespace.device,
        force=namespace.force,
    )
    if words:
        _remember_prompts(request, words)
    return run_here(request, as_json=namespace.json)


def _remember_prompts(request: JobRequest, words: tuple[tuple[str, str], ...]) -> None:
    from backend.pipeline.shot_lock import shot_lock
    from shared.shot import ShotFolder

    from .first_frame import first_plate_number
    from .prompts import remember

    shot = ShotFolder(Path(request.shot))
    with shot_lock(shot):
        remember(shot, words, lambda: first_plate_number(shot, request))


def _shot_folder(namespace: argparse.Namespace) -> Path:
    if namespace.shot is not None:
        return Path(namespace.shot).expanduser().absolute()
    if not namespace.footage:
        raise InvalidRequest("Neither footage nor a shot was given.", "Give a clip, or --shot DIR to continue one.")
    from shared.shot import default_shot_folder

    return default_shot_folder(Path(namespace.footage).expanduser().absolute())


def _serve(namespace: argparse.Namespace) -> int:
    from backend.server.serve import serve

    return serve(
        namespace.home or home_dir(),
        port=namespace.port,
        idle_timeout=namespace.idle_timeout,
        parent_pid=namespace.parent_pid,
    )


def _doctor(namespace: argparse.Namespace) -> int:
    from backend.doctor import facts, report

    found = facts(home_dir())
    print(json.dumps(found, ensure_ascii=False) if namespace.json else report(found))
    return 0


def _stop(namespace: argparse.Namespace) -> int:
    from shared.client import Client

    with Client(home_dir(), name="command line", start=False) as client:
        client.call("shutdown")
    print("The backend is stopping.")
    return 0
