"""What somebody wants to order, checked before anything is done with it."""

_TEXTS = {"cart": 40, "sku": 40, "title": 200, "name": 80, "email": 254}
_NUMBERS = {"quantity": (1, 99), "unit_price_cents": (0, 10_000_000)}


def read_wish(sent: object) -> tuple[dict, list[str]]:
    """Give the fields of an order, and everything that is wrong with them."""
    if not isinstance(sent, dict):
        return {}, ["the body is a JSON object"]
    wish = {field: sent.get(field) for field in (*_TEXTS, *_NUMBERS)}
    wrong = []
    for field, length in _TEXTS.items():
        text = wish[field]
        if not isinstance(text, str) or not text.isprintable() or not 0 < len(text) <= length:
            wrong.append(f"{field} is a line of text with 1 to {length} characters")
    for field, (least, most) in _NUMBERS.items():
        number = wish[field]
        if type(number) is not int or not least <= number <= most:
            wrong.append(f"{field} is a whole number from {least} to {most}")
    return wish, wrong
