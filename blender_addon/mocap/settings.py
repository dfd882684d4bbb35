"""What the artist has set about people and rigs. Saved with the file. The groups hold no Python functions
(`properties.py` says why)."""

from __future__ import annotations

import bpy


class BoneMapItem(bpy.types.PropertyGroup):
    """A part of a body (`name`) and the bone that plays it."""

    bone: bpy.props.StringProperty(name="Bone", description="Bone of the rig that plays this part; empty: none")


class PersonSettings(bpy.types.PropertyGroup):
    """Foot lock and smoothing of a person's armature."""

    lock: bpy.props.FloatProperty(
        name="Foot Lock", description="How firmly feet are held where they stand", default=1.0, min=0.0, max=1.0,
        subtype="FACTOR",
    )  # fmt: skip
    blend: bpy.props.IntProperty(
        name="Blend", description="Frames in which a held foot comes and goes", default=4, min=0, max=100
    )
    smooth: bpy.props.FloatProperty(
        name="Smoothing",
        description="Frames about each that are averaged; standing feet stay where they are. 0: none",
        default=0.0, min=0.0, soft_max=10.0, max=100.0, precision=1,
    )  # fmt: skip


class RetargetSettings(bpy.types.PropertyGroup):
    """Whose motion goes onto which rig."""

    person: bpy.props.PointerProperty(
        name="Person", description="Armature whose motion is taken; empty: the first of the shot", type=bpy.types.Object
    )
    rig: bpy.props.PointerProperty(
        name="Rig", description="Armature that gets the motion: Rigify, Mixamo or any other", type=bpy.types.Object
    )
    bones: bpy.props.CollectionProperty(type=BoneMapItem)
    bones_of: bpy.props.StringProperty(description="The rig that the bone map is of", options={"HIDDEN"})
    scale_rig: bpy.props.BoolProperty(
        name="Fit Rig to Person",
        description="Scale the rig to the person's legs, so that it stands in the plate; else its way is scaled",
        default=False,
    )
    on_floor: bpy.props.BoolProperty(
        name="Soles on the Floor", description="Allow for ankles that are higher or lower than the person's",
        default=True,
    )  # fmt: skip
    feet: bpy.props.FloatProperty(
        name="Feet", description="How much feet follow the person's places rather than the angles of the legs",
        default=1.0, min=0.0, max=1.0, subtype="FACTOR",
    )  # fmt: skip
    hands: bpy.props.FloatProperty(
        name="Hands", description="How much hands follow the person's places rather than the angles of the arms",
        default=1.0, min=0.0, max=1.0, subtype="FACTOR",
    )  # fmt: skip
    keypoints: bpy.props.BoolProperty(
        name="Show What Was Seen", description="Draw the joints that the pose engine saw, as white dots", default=False
    )
    overlay: bpy.props.BoolProperty(
        name="Show on Plate", description="Draw the skeletons over the plate in Image Editor and Clip Editor",
        default=True,
    )  # fmt: skip


CLASSES = (BoneMapItem, PersonSettings, RetargetSettings)
