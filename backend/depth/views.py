"""Frames as the engine `mvs` takes them: tensors on the device."""

from __future__ import annotations

import numpy as np
import torch

from backend.mvs.views import View

from .job import DepthJob


def view_of(job: DepthJob, index: int) -> View:
    """The frame in working pixels with its camera; it must have one."""
    pose = job.poses[index]
    assert pose is not None
    gray = torch.from_numpy(job.pictures.gray(index)).to(job.device, torch.float32) / 255.0
    usable = torch.from_numpy(job.pictures.usable(index).astype(np.float32)).to(job.device)
    return View(pose.number, gray, usable, pose.K, pose.world_from_camera)
