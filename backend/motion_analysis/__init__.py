"""How a person moved: path, speed, strides, contacts, slide, jitter, angles, and how sure that is."""
