"""How an app is started is told from its files, in a known order."""

import pytest

from headway.formats.start_command import find_start_command

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
RUNS = FLASK + "if __name__ == '__main__':\n    app.run()\n"
PACKAGE = '{"scripts": {"start": "node ."}}'


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"app.py": FLASK, "requirements.txt": "Flask\nuvicorn\n"}, "uvicorn app:app --host"),
        ({"app.py": FLASK, "requirements.txt": "flask\ngunicorn\n"}, "gunicorn app:app --bind"),
        ({"wsgi.py": "application = make()", "pyproject.toml": '"gunicorn"'}, "gunicorn wsgi:app"),
        ({"app.py": FLASK, "requirements.txt": "flask\nwaitress\n"}, "waitress-serve --listen"),
        ({"app.py": FLASK, "requirements.txt": "flask\n"}, "flask --app app:app run"),
        ({"app.py": RUNS, "requirements.txt": "flask\n"}, "flask --app app:app run"),
        (
            {"main.py": "app: FastAPI = FastAPI()", "uv.lock": 'name = "uvicorn"'},
            "uvicorn main:app",
        ),
        ({"manage.py": "", "app.py": FLASK}, "python manage.py runserver"),
        ({"server.py": "print(1)"}, "python server.py"),
        ({"package.json": PACKAGE, "server.js": ""}, "npm start"),
        ({"package.json": '{"main": "lib.js"}', "lib.js": ""}, "node lib.js"),
        ({"package.json": '{"main": "gone.js"}', "index.js": ""}, "node index.js"),
        ({"package.json": "{", "server.js": ""}, "node server.js"),
        ({"package.json": "[]", "server.js": ""}, "node server.js"),
        ({"index.html": "<p>"}, "python3 -m http.server $PORT"),
        ({"app.py": "", "package.json": PACKAGE, "index.html": ""}, "python app.py"),
        ({"package.json": PACKAGE, "index.html": ""}, "npm start"),
    ],
)
def test_the_first_that_fits_is_the_command(files, command):
    started = find_start_command(files)
    assert started is not None
    assert started[0].startswith(command)
    assert started[1]


@pytest.mark.parametrize("files", [{}, {"README.md": ""}, {"package.json": "{}"}, {"lib.py": ""}])
def test_where_nothing_shows_it_nothing_is_made_up(files):
    assert find_start_command(files) is None


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn", "waitress", ""])
def test_every_server_listens_where_headway_says(server):
    command, _ = find_start_command({"app.py": FLASK, "requirements.txt": f"flask\n{server}\n"})
    assert "$PORT" in command
    assert "127.0.0.1" in command
