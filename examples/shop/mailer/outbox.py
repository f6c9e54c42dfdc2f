"""Mails as files: what "sending" means in this shop."""

import os
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path


def write_mail(folder: Path, mail: dict) -> Path:
    """Write a mail whole or not at all, under a name that is its order's alone.

    Everything in it comes from its row, its date and id included: written again after a crash,
    it is the same file with the same bytes.
    """
    message = EmailMessage()
    message["Message-ID"] = f"<{mail['order_number']}@shop.invalid>"
    message["Date"] = format_datetime(mail["created_at"])
    message["From"] = "The shop <orders@shop.invalid>"
    message["To"] = mail["recipient"]
    message["Subject"] = mail["subject"]
    message.set_content(mail["body"])
    path = folder / f"{mail['order_number']}.eml"
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        file.write(message.as_bytes(policy=SMTP))
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    sync_folder(folder)
    return path


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
