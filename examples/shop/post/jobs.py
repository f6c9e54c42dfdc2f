"""What the shop does later, or by the clock. Each run has a sandbox of its own."""

import time
from email.message import EmailMessage

from headway.sdk import job, progress


@job(cpu=0.1, memory="64MiB", timeout="30s", delivery="at_least_once")
def receipt(number: str, email: str, name: str = "") -> str:
    """Write the mail that confirms an order. The web app asks for it, under the order's number."""
    mail = EmailMessage()
    mail["To"] = email
    mail["Subject"] = f"Your order {number}"
    mail["Message-ID"] = f"<{number}@shop.example>"  # the same in each attempt
    mail.set_content(f"Dear {name or email},\nthank you for order {number}.\n")
    print("wrote a receipt for order", number)
    return mail.as_string()


@job(cpu=0.1, memory="64MiB")
def reminder(number: str) -> str:
    """Remind somebody of an order."""
    return f"do you still like order {number}?"


@job(cpu=0.5, memory="128MiB", timeout="10m", delivery="at_least_once")
def nightly_export(shop: str, steps: int = 4, pause_s: float = 0.0) -> dict[str, int]:
    """Export what was sold. The schedule asks for it every night.

    With `pause_s` it takes its time, so that one can look on, or cancel it.
    """
    for step in range(1, steps + 1):
        time.sleep(pause_s)
        print(f"part {step} of {steps} of {shop} is exported", flush=True)
        progress(step, shop, of=steps)
    return {"rows": 10 * steps}


@job(cpu=0.05, memory="32MiB", timeout="30s")
def stamp(letter: int) -> int:
    """Stamp one letter of many."""
    return letter
