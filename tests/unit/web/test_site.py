"""What draws pages is loaded with the first page that is asked for."""

import subprocess
import sys


def test_a_control_plane_that_nobody_looks_at_has_loaded_nothing_that_draws():
    code = (
        "import sys, headway.serve.plane; "
        "print([name for name in sys.modules if name.startswith(('jinja2', 'headway.web.pages',"
        " 'headway.web.pictures', 'headway.web.drawing'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
