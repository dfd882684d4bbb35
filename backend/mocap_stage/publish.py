"""Finished people take their places in the shot, all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.pipeline import manifest
from backend.pipeline.atomic import disk_errors, remove_partials
from backend.pipeline.context import StageContext
from backend.pipeline.journal import Change, change_files
from shared.artifacts import Artifact
from shared.mocap_report import MOCAP, MOCAP_REPORT, POSE, POSE_JSON
from shared.motion_arrays import MOTION_FILE

MOTION_KIND = "motion"
KINDS = {
    "motion.npz": MOTION_KIND, "motion.bvh": "motion-bvh", "motion.fbx": "motion-fbx", "motion.usda": "motion-usd",
    "analysis.json": "motion-analysis", "analysis.svg": "motion-plot", "body.npz": "body",
    "texture.png": "body-texture", "texture_seen.png": "body-texture-seen", "motion.bvh.json": "motion-bvh-notes",
    "smpl.npz": "body-smpl",
}  # fmt: skip
"""Files of a person under mocap/<label>/, and the kind of artifact that each is."""

_SEQUENCE = "mesh_sequence"
_FOLDER_KINDS = {POSE: "pose-pictures", POSE_JSON: "pose-keypoints", _SEQUENCE: "body-sequence"}
_MANY = (".png", ".json", ".usdc")
"""Of files that come one for each frame."""


@dataclass(frozen=True)
class Workshop:
    """Where everything is made, in the stage's checkpoint folder: what is there after a stop is whole."""

    folder: Path

    def person(self, label: str) -> Path:
        """Becomes `mocap/<label>`."""
        return self.folder / MOCAP / label

    def pictures(self, label: str) -> Path:
        """Becomes `pose/<label>`."""
        return self.folder / POSE / label

    def keypoints(self, label: str) -> Path:
        """Becomes `pose_json/<label>`."""
        return self.folder / POSE_JSON / label

    def folders(self, label: str) -> tuple[Path, ...]:
        return self.person(label), self.person(label) / _SEQUENCE, self.pictures(label), self.keypoints(label)


def open_workshop(context: StageContext) -> Workshop:
    """Raises `DiskFull`, `ShotReadOnly`."""
    shop = Workshop(context.checkpoint_dir / "out")
    with disk_errors(shop.folder):
        shop.folder.mkdir(parents=True, exist_ok=True)
        for folder in (*shop.folder.glob("*/*"), *shop.folder.glob(f"*/*/{_SEQUENCE}")):
            remove_partials(folder)
    return shop


def publish(
    shop: Workshop, context: StageContext, labels: Sequence[str], report: str, span: tuple[int, int], *, everybody: bool
) -> tuple[Artifact, ...]:
    """everybody: whom an earlier run found and this one did not goes. Raises `JobCancelled` before anything has
    changed, `DiskFull`, `ShotReadOnly`."""
    shot = context.shot
    earlier = manifest.find(shot, context.stage)
    context.check_cancelled()
    context.begin_changes()
    listed: list[tuple[str, Path]] = []
    with disk_errors(shot.root / MOCAP), change_files(shot) as change:
        for label in labels:
            for made in shop.folders(label):
                listed += _placed(made, shot.root / made.relative_to(shop.folder), change)
        if everybody and earlier is not None:
            _remove_stale(shot.root, earlier.result.artifacts, labels, change)
        change.stage(shot.root / MOCAP_REPORT).write_text(report, encoding="utf-8")
    made_now = tuple(context.artifact(kind, path, span if path.is_dir() else None) for kind, path in listed)
    return (*made_now, context.artifact("mocap-report", shot.root / MOCAP_REPORT))


def publish_derived(
    shop: Workshop, context: StageContext, labels: Sequence[str], report: str, span: tuple[int, int]
) -> tuple[Artifact, ...]:
    """What was made from motion that is in the shot already takes its place beside it. Raises as `publish`."""
    shot = context.shot
    earlier = manifest.find(shot, context.stage)
    kept = [] if earlier is None else [one for one in earlier.result.artifacts if _stays(one)]
    context.check_cancelled()
    context.begin_changes()
    listed: list[tuple[str, Path]] = []
    with disk_errors(shot.root / MOCAP), change_files(shot) as change:
        for label in labels:
            for made in (shop.person(label), shop.person(label) / _SEQUENCE):
                listed += _placed(made, shot.root / made.relative_to(shop.folder), change)
        change.stage(shot.root / MOCAP_REPORT).write_text(report, encoding="utf-8")
    made_now = tuple(context.artifact(kind, path, span if path.is_dir() else None) for kind, path in listed)
    return (*kept, *made_now)


def _stays(artifact: Artifact) -> bool:
    return artifact.path.startswith((f"{POSE}/", f"{POSE_JSON}/")) or artifact.path == MOCAP_REPORT


def _placed(made: Path, final: Path, change: Change) -> list[tuple[str, Path]]:
    """Files of one folder take their places; what an earlier run made and this one did not goes. Kinds and places of
    the artifacts."""
    files = sorted(item for item in made.iterdir() if item.is_file()) if made.is_dir() else []
    for item in files:
        item.replace(change.stage(final / item.name, fleeting=item.suffix in _MANY))
    kind = _FOLDER_KINDS.get(final.parent.name) or _FOLDER_KINDS.get(final.name)
    if kind is not None:
        change.replaces_folder(final)
        return [(kind, final)] if files else []
    there = {item.name for item in files}
    for name in KINDS:  # and nothing that a user keeps beside them
        if name not in there and (final / name).is_file():
            change.remove(final / name)
    return [(KINDS.get(item.name, "mocap-file"), final / item.name) for item in files]


def _remove_stale(root: Path, before: Sequence[Artifact], labels: Sequence[str], change: Change) -> None:
    """Files of people of an earlier run."""
    for artifact in before:
        top, _, rest = artifact.path.partition("/")
        label = rest.partition("/")[0]
        if top not in (MOCAP, POSE, POSE_JSON) or not rest or label in labels or artifact.path == MOCAP_REPORT:
            continue
        place = root / artifact.path
        for item in sorted(place.iterdir()) if place.is_dir() else [place]:
            if item.is_file():
                change.remove(item)


def motion_path(root: Path, label: str) -> Path:
    return root / MOCAP / label / MOTION_FILE
