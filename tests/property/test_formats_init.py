"""Laws of what `init` writes and of what it reads."""

from hypothesis import example, given
from hypothesis import strategies as st

from headway.formats.dotenv import parse_dotenv
from headway.formats.headway_yaml import parse_manifest
from headway.formats.procfile import parse_procfile
from headway.formats.propose import propose
from headway.model.ids import is_name

PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126)
WORD = st.from_regex(r"[a-z]{2,8}[a-z0-9_./=-]{0,8}[a-z]", fullmatch=True)
NAMES = st.from_regex(r"[a-z]{2,6}(-[a-z0-9]{1,6})?", fullmatch=True)
SOURCES = st.dictionaries(
    st.sampled_from(
        ["app.py", "main.py", "manage.py", "server.js", "index.html", "requirements.txt", "README"]
    ),
    st.sampled_from(["", "app = Flask(__name__)", "flask\nuvicorn", "{}", "gunicorn\n", "é"]),
)


@given(SOURCES, st.text())
@example({}, "false")
def test_init_writes_what_headway_takes(files, directory):
    parsed = parse_manifest(propose(files, directory).text)
    assert parsed.problems == ()
    assert is_name(parsed.value.name)


@given(st.lists(WORD, min_size=1, max_size=5))
def test_the_command_of_a_dockerfile_is_kept_word_by_word(words):
    text = "FROM x\nCMD [" + ", ".join(f'"{word}"' for word in words) + "]\n"
    parsed = parse_manifest(propose({"Dockerfile": text}, "shop").text)
    assert parsed.problems == ()
    assert parsed.value.process("web").command.split() == words


@given(st.dictionaries(NAMES, WORD, max_size=5))
def test_a_procfile_is_read_as_it_was_written(processes):
    text = "".join(f"{name}: {command}\n" for name, command in processes.items())
    assert parse_procfile(text).value == processes


@given(st.text(max_size=200))
def test_no_text_raises(text):
    for parse in (parse_procfile, parse_dotenv):
        for problem in parse(text).problems:
            assert 1 <= problem.line <= len(text.splitlines())


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z]{2,8}_X", fullmatch=True),
        st.text(PRINTABLE.filter(lambda c: c not in "'\"#")).map(str.strip),
        max_size=5,
    )
)
def test_an_env_file_is_read_as_it_was_written(values):
    text = "".join(f"{key}='{value}'\n" for key, value in values.items())
    assert parse_dotenv(text).value == values
