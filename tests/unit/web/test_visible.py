from headway.web.visible import TEXT_MAX, visible


def test_what_rules_is_a_sign_and_all_else_is_as_it_was():
    for code in range(0x3000):
        letter = chr(code)
        rules = code < 0x20 or 0x7F <= code < 0xA0
        rules = rules or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069
        rules = rules and letter not in "\t\n"
        assert (visible(letter) != letter) == rules, hex(code)


def test_a_long_text_is_cut_and_says_how_long_it_is():
    assert visible("x" * TEXT_MAX) == "x" * TEXT_MAX
    assert visible("x" * 1_000_000).endswith("x… (1000000 letters)")
