"""The fused mesh and cloud of a clip against the true surface, beside COLMAP's fusion of the same depth maps.

    python -m tests.benchmarks.mesh --clip FOLDER [--clip FOLDER]... [--cameras own] [--depth FOLDER | --noise R]
        [--faces N] [--peers union,colmap] [--out FOLDER] [--json]

FOLDER holds frames/ and gt/ (rendered clips with exact depth). With true cameras the depth is that of the engine `mvs`;
--depth takes maps from FOLDER/CLIP/0001.npz (depth, confidence) instead, and --noise R the truth with relative noise R,
half of it over patches of 8 px. With own cameras, all of Backlot runs as a user starts it (ingest, solve, depth with -d
-m), and the mesh is brought to the truth by the Sim(3) between the cameras.

The truth surface is the points under all static pixels of all frames, each with the distance of the camera nearest to
it. Accuracy is the share of the mesh's area (of the cloud's and the peers' points) within 1 % of that distance of it;
completeness the share of the truth's pixels within 1 % of the mesh. Peers: `union`, every measured pixel as a point;
`colmap`, its stereo fusion with its own settings.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from backend.depth.poses import Pose
from backend.fusion.fuse import Fusion
from backend.fusion.ply import read_ply, write_ply
from backend.fusion.settings import FusionSettings
from backend.fusion.shapes import Cloud, FusionFrame, Mesh
from backend.fusion.sight import fused_pixels
from shared.camera_files import read_camera
from tests.benchmarks.backlot_run import poses_of, run_command
from tests.benchmarks.colmap_fusion_peer import fuse_with_colmap
from tests.benchmarks.mesh_scores import (
    SurfaceScore,
    TruthSurface,
    score_surface,
    spread_points,
    truth_surface,
    world_points,
)
from tests.benchmarks.scoring import Array, umeyama
from tests.benchmarks.truth import TruthClip, frame_paths, load_truth

PEERS = ("union", "colmap")
_MOST_POINTS = 100_000
"""Points at which a cloud's accuracy is measured."""
_GROWN = 2
"""By how many px what moves is grown: the truth masks are cut at pixel centres."""


@dataclass(frozen=True)
class Line:
    """who: what was scored. size: faces of a mesh, points of a cloud. seconds: of the processor, from the maps; nan
    where not measured."""

    who: str
    size: int
    score: SurfaceScore
    seconds: float


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    peers = [name for name in options.peers.split(",") if name]
    if unknown := set(peers) - set(PEERS):
        raise SystemExit(f"There is no peer {', '.join(sorted(unknown))}; there is {', '.join(PEERS)}.")
    results = {}
    for folder in options.clip:
        clip = load_truth(folder.resolve())
        truth = truth_surface(clip, range(len(clip.poses)))
        out = None if options.out is None else options.out / folder.name
        if options.cameras == "own":
            results[folder.name] = _own(clip, truth, options.shots / folder.name, options.faces)
        else:
            results[folder.name] = _true(clip, truth, options, peers, out)
        if not options.json:
            print(table(folder.name, results[folder.name]), flush=True)
    if options.json:
        print(json.dumps({name: [asdict(line) for line in lines] for name, lines in results.items()}, indent=1))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench mesh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--clip", type=Path, action="append", required=True, help="folder with frames/, gt/; repeatable"
    )
    parser.add_argument("--cameras", choices=("true", "own"), default="true", help="whose cameras (default: true)")
    parser.add_argument(
        "--shots", type=Path, default=Path("bench-shots"), metavar="FOLDER", help="shots of own cameras"
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--depth", type=Path, metavar="FOLDER", help="maps that are there already")
    source.add_argument("--noise", type=float, metavar="R", help="the truth's depth with this relative noise")
    parser.add_argument("--faces", type=int, default=200_000, help="of the mesh (default 200000)")
    parser.add_argument("--peers", default="union,colmap", help=f"of {', '.join(PEERS)} (default union,colmap)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="leave mesh.ply and fused.ply in FOLDER/CLIP")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _true(
    clip: TruthClip, truth: TruthSurface, options: argparse.Namespace, peers: Sequence[str], out: Path | None
) -> list[Line]:
    fusion, kept, seconds = Fusion(FusionSettings(mesh_faces=options.faces)), [], 0.0
    for frame in _frames(clip, options.depth, options.noise):
        started = time.process_time()
        fusion.add(frame)
        seconds += time.process_time() - started
        kept.append(frame)
    print(f"{clip.folder.name}: {seconds / max(len(kept), 1):.2f} s a frame", file=sys.stderr)
    started = time.process_time()
    fused = fusion.result()
    seconds += time.process_time() - started
    assert fused.mesh is not None and fused.cloud is not None
    if out is not None:
        write_ply(out / "mesh.ply", fused.mesh)
        write_ply(out / "fused.ply", fused.cloud)
    lines = [_mesh_line("backlot mesh", fused.mesh, truth, seconds), _cloud_line("backlot cloud", fused.cloud, truth)]
    return lines + _peer_lines(kept, truth, peers)


def _own(clip: TruthClip, truth: TruthSurface, shot: Path, faces: int) -> list[Line]:
    footage = clip.folder / "frames"
    command = ["run", str(footage if footage.is_dir() else clip.folder / "clip.mp4"), "-s", "ingest,solve,depth"]
    run_command([*command, "--shot", str(shot), "-d", "-m", "--mesh-faces", str(faces)])
    solved = poses_of(read_camera(shot))
    ours = np.array([solved[index][:3, 3] for index in sorted(solved)])
    gauge = umeyama(ours, clip.poses[sorted(solved), :3, 3])

    def placed(cloud: Cloud) -> Cloud:
        return Cloud(gauge.points(cloud.xyz.astype(np.float64)).astype(np.float32), cloud.normals, cloud.rgb)

    mesh, cloud = read_ply(shot / "colmap/meshed/mesh.ply"), read_ply(shot / "colmap/dense/fused.ply")
    assert isinstance(mesh, Mesh) and isinstance(cloud, Cloud)
    whole = Mesh(placed(mesh.vertices), mesh.faces)
    return [
        _mesh_line("backlot mesh", whole, truth, float("nan")),
        _cloud_line("backlot cloud", placed(cloud), truth),
    ]


def _frames(clip: TruthClip, maps: Path | None, noise: float | None) -> Iterator[FusionFrame]:
    paths = frame_paths(clip.folder)
    for index, depth, confidence in _maps(clip, maps, noise):
        rgb = cv2.cvtColor(np.asarray(cv2.imread(str(paths[index]))), cv2.COLOR_BGR2RGB)
        moving = clip.moving(index)
        if moving is not None:
            moving = cv2.dilate(moving.astype(np.uint8), np.ones((2 * _GROWN + 1,) * 2, np.uint8)) > 0
        pose = Pose(index + 1, clip.lens.K[index], clip.poses[index], (depth.shape[0], depth.shape[1]))
        yield FusionFrame(pose, depth.astype(np.float32), confidence.astype(np.float32), np.asarray(rgb), moving)


def _maps(clip: TruthClip, maps: Path | None, noise: float | None) -> Iterator[tuple[int, Array, Array]]:
    """Index, depth and confidence [H, W] of every frame that has a map."""
    if maps is not None:
        for path in sorted((maps / clip.folder.name).glob("[0-9]*.npz")):
            with np.load(path) as stored:
                yield int(path.stem) - 1, stored["depth"], stored["confidence"]
    elif noise is not None:
        for index in range(len(clip.poses)):
            depth = clip.depth(index)
            if depth is not None:
                yield index, _noisy(depth, noise, index), np.full(depth.shape, 0.8)
    else:
        from tests.benchmarks.depth_maps import true_maps

        for found in true_maps(clip, range(len(clip.poses))):
            yield found.index, found.depth, found.confidence


def _noisy(depth: Array, noise: float, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    height, width = depth.shape
    coarse = cv2.resize(rng.normal(size=(-(-height // 8), -(-width // 8))), (width, height))
    factor = 1.0 + noise * np.sqrt(0.5) * (rng.normal(size=depth.shape) + coarse)
    return np.where(np.isfinite(depth), depth * factor, 1e10)


def _mesh_line(who: str, mesh: Mesh, truth: TruthSurface, seconds: float) -> Line:
    return Line(
        who,
        len(mesh.faces),
        score_surface(spread_points(mesh), truth, mesh.vertices.xyz.astype(np.float64)),
        seconds,
    )


def _cloud_line(who: str, cloud: Cloud | Array, truth: TruthSurface, seconds: float = float("nan")) -> Line:
    points = cloud.xyz.astype(np.float64) if isinstance(cloud, Cloud) else cloud
    some = points[np.random.default_rng(0).permutation(len(points))[:_MOST_POINTS]]
    return Line(who, len(points), score_surface(some, truth, points), seconds)


def _peer_lines(frames: Sequence[FusionFrame], truth: TruthSurface, peers: Sequence[str]) -> list[Line]:
    lines = []
    if "union" in peers:
        lines.append(_cloud_line("union of the maps", np.concatenate([_points(frame) for frame in frames]), truth))
    if "colmap" in peers:
        with tempfile.TemporaryDirectory(prefix="backlot-bench-") as folder:
            started = time.process_time()
            points = fuse_with_colmap(frames, Path(folder))
            spent = time.process_time() - started
            lines.append(_cloud_line("COLMAP fusion", points, truth, spent))
    return lines


def _points(frame: FusionFrame) -> Array:
    y, x = np.nonzero(fused_pixels(frame))
    return world_points(frame.depth, y, x, frame.pose.K, frame.pose.world_from_camera)[0]


def table(name: str, lines: Sequence[Line]) -> str:
    said = [f"{name}: within 1 % of the truth, truth within 1 %, median error, 90 % below, faces or points, seconds"]
    for line in lines:
        score = line.score
        said.append(
            f"  {line.who:18} {score.accuracy:6.2f} %  {score.completeness:6.2f} %  {score.median:.3f} %  "
            f"{score.p90:.3f} %  {line.size:9d}  {line.seconds:.1f} s"
        )
    return "\n".join(said)


if __name__ == "__main__":
    sys.exit(main())
