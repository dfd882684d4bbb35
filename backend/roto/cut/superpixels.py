"""A working picture in some thousand pieces of one colour each, with their features and neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Labels = NDArray[np.int32]

_STEP = 9
"""Working pixels between the centres of two pieces."""
_COARSE_PX, _FINE_PX = 8.0, 2.0
_NOISE = 3.0
"""Lab difference between neighbours that grain and shading make."""
_STEP_COST = 0.3
_ROUNDS = 80
_AROUND = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))


@dataclass(frozen=True, eq=False)
class Superpixels:
    """labels: int32 [H,W], 0..N-1. count: working pixels of each [N]. lab: float32 [H,W,3]. features: [N,9 or 11]:
    colour, colour of the surroundings, log variance, movement, in units of which 1 tells as much as one of Lab. place:
    x, y [N,2], working px. pairs: neighbours [M,2]; border: working px that they touch along [M]; contrast: Lab
    difference between them [M]."""

    labels: Labels
    count: Doubles
    lab: Floats
    features: Doubles
    place: Doubles
    pairs: NDArray[np.intp]
    border: Doubles
    contrast: Doubles

    def __len__(self) -> int:
        return len(self.count)

    def means(self, values: NDArray[np.generic]) -> Doubles:
        """Mean of a working picture over each piece."""
        weights = np.asarray(values, np.float64).ravel()
        return np.bincount(self.labels.ravel(), weights, len(self)) / self.count

    def smoothed(self, odds: Doubles, smoothness: float) -> Doubles:
        """Membership 0..1 [N] that minimises what it costs against the log odds plus the length of the outline, which
        is cheap along contrast: `convex.minimise` on the graph of pieces."""
        first, second = self.pairs.T
        price = smoothness * self.border * np.exp(-self.contrast / (self.contrast.mean() + 1e-6))
        cost = -odds * self.count / _STEP**2
        links = np.bincount(first, minlength=len(self)) + np.bincount(second, minlength=len(self))
        unit = float(price.mean()) + 1e-9
        tau, sigma = 1 / (np.maximum(links, 1) * unit), 0.5 * unit  # a step for every node: Pock & Chambolle 2011
        inside = np.full(len(self), 0.5)
        ahead, flow = inside, np.zeros(len(price))
        for _ in range(_ROUNDS):
            flow = np.clip(flow + sigma * (ahead[second] - ahead[first]), -price, price)
            spread = np.bincount(first, flow, len(self)) - np.bincount(second, flow, len(self))
            newer = np.clip(inside + tau * (spread - cost), 0.0, 1.0)
            ahead, inside = 2 * newer - inside, newer
        return inside

    def distances(self, sources: NDArray[np.bool_]) -> Doubles:
        """Geodesic distance [N] of each piece from the nearest source: what colours change on the way, in Lab units."""
        cost = np.maximum(self.contrast - _NOISE, 0.0) + _STEP_COST
        graph = csr_matrix((cost, (self.pairs[:, 0], self.pairs[:, 1])), shape=(len(self), len(self)))
        found = dijkstra(graph, directed=False, indices=np.flatnonzero(sources), min_only=True)
        return np.asarray(found, np.float64)


def superpixels(colours: NDArray[np.uint8], movement: Floats | None = None) -> Superpixels:
    """colours: uint8 [H,W,3] RGB. movement: [H,W,2] in the units of features."""
    lab = np.asarray(cv2.cvtColor(colours.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
    labels = _flooded(colours)
    flat, pieces = labels.ravel(), int(labels.max()) + 1
    count = np.maximum(np.bincount(flat, minlength=pieces), 1).astype(np.float64)

    def means(image: Floats) -> Doubles:
        return np.stack([np.bincount(flat, image[..., k].ravel(), pieces) / count for k in range(3)], axis=1)

    colour = means(lab)
    fine = lab - cv2.GaussianBlur(lab, (0, 0), _FINE_PX)
    variance = means(np.asarray(cv2.GaussianBlur(fine * fine, (0, 0), 1.5 * _FINE_PX), np.float32))
    surroundings = means(np.asarray(cv2.GaussianBlur(lab, (0, 0), _COARSE_PX), np.float32))
    features = [colour * (0.6, 1, 1), 0.5 * surroundings * (0.6, 1, 1), 4 * np.log(variance + 1) * (1, 0.5, 0.5)]
    if movement is not None:
        features.append(np.stack([np.bincount(flat, movement[..., k].ravel(), pieces) / count for k in (0, 1)], axis=1))
    rows, columns = np.indices(labels.shape)
    place = [np.bincount(flat, axis.ravel() + 0.5, pieces) / count for axis in (columns, rows)]
    pairs, border = _neighbours(labels, pieces)
    contrast = np.linalg.norm(colour[pairs[:, 0]] - colour[pairs[:, 1]], axis=1)
    return Superpixels(labels, count, lab, np.hstack(features), np.stack(place, 1), pairs, border, contrast)


def _flooded(colours: NDArray[np.uint8]) -> Labels:
    """Watershed from a grid of markers, each on the calmest pixel near by (waterpixels: Machairas et al. 2015)."""
    height, width = colours.shape[:2]
    calm = np.asarray(cv2.GaussianBlur(colours, (0, 0), 0.8), np.uint8)
    gray = cv2.cvtColor(calm, cv2.COLOR_RGB2GRAY)
    slope = np.hypot(cv2.Sobel(gray, cv2.CV_32F, 1, 0), cv2.Sobel(gray, cv2.CV_32F, 0, 1))
    markers = np.zeros((height + 2, width + 2), np.int32)  # watershed spoils the outermost pixels
    y, x = _calmest(np.asarray(slope, np.float32))
    for dy, dx in _AROUND[:4]:
        markers[np.clip(y + dy, 0, height - 1) + 1, np.clip(x + dx, 0, width - 1) + 1] = np.arange(1, len(y) + 1)
    markers[y + 1, x + 1] = np.arange(1, len(y) + 1)
    cv2.watershed(cv2.copyMakeBorder(calm, 1, 1, 1, 1, cv2.BORDER_REPLICATE), markers)
    flooded = _without_lines(markers[1:-1, 1:-1], calm)
    return np.unique(flooded, return_inverse=True)[1].reshape(height, width).astype(np.int32)


def _calmest(slope: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pixel of least slope in the middle of every cell of the grid."""
    height, width = slope.shape
    rows, columns = -(-height // _STEP), -(-width // _STEP)
    cells = np.full((rows * _STEP, columns * _STEP), np.inf, np.float32)
    cells[:height, :width] = slope
    middle = np.abs(np.arange(_STEP) - _STEP // 2) <= _STEP // 4
    aside = np.where(middle[:, None] & middle[None], 0.0, 1e6).astype(np.float32)
    blocks = cells.reshape(rows, _STEP, columns, _STEP).transpose(0, 2, 1, 3) + aside
    best = blocks.reshape(rows, columns, -1).argmin(axis=2)
    y = np.arange(rows)[:, None] * _STEP + best // _STEP
    x = np.arange(columns)[None] * _STEP + best % _STEP
    return np.minimum(y, height - 1).ravel(), np.minimum(x, width - 1).ravel()


def _without_lines(labels: Labels, colours: NDArray[np.uint8]) -> Labels:
    """The lines that watershed leaves between pieces go to the neighbour of the nearest colour."""
    image = colours.astype(np.int32)
    labels = labels.copy()
    padded = np.pad(labels, 1)
    while len(lines := np.argwhere(labels <= 0)):
        y, x = lines.T
        found = np.zeros(len(y), np.int32)
        least = np.full(len(y), np.iinfo(np.int32).max, np.int32)
        for dy, dx in _AROUND:
            label = padded[y + 1 + dy, x + 1 + dx]
            other = image[np.clip(y + dy, 0, labels.shape[0] - 1), np.clip(x + dx, 0, labels.shape[1] - 1)]
            distance = np.square(image[y, x] - other).sum(axis=1, dtype=np.int32)
            better = (label > 0) & (distance < least)
            found[better], least[better] = label[better], distance[better]
        if not found.any():
            break
        labels[y, x] = found
        padded[1:-1, 1:-1] = labels
    return labels


def _neighbours(labels: Labels, pieces: int) -> tuple[NDArray[np.intp], Doubles]:
    right = np.stack([labels[:, :-1].ravel(), labels[:, 1:].ravel()])
    down = np.stack([labels[:-1].ravel(), labels[1:].ravel()])
    both = np.hstack([right, down]).astype(np.int64)
    both = np.sort(both[:, both[0] != both[1]], axis=0)
    keys, border = np.unique(both[0] * pieces + both[1], return_counts=True)
    return np.stack([keys // pieces, keys % pieces], axis=1).astype(np.intp), border.astype(np.float64)
