"""Sphinx reads this: pages are Markdown (MyST), nothing is loaded from a network."""

project = "Backlot"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["examples"]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_title = "Backlot"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
smartquotes = False  # --flag must stay --flag
html_theme_options = {"navigation_with_keys": True}
highlight_language = "none"
