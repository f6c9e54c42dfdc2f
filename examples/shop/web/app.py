"""The shop's front: shows the catalogue, takes an order, shows orders."""

import logging
import os
import signal
import sys
import time

import waitress
from dependency import Dependency, Refused, Unavailable
from flask import Flask, g, redirect, render_template, request, session, url_for
from log import log
from werkzeug.exceptions import HTTPException

from headway.sdk import InvokeError, invoke

SECRET_LENGTH_MIN = 16
BODY_BYTES_MAX = 8 * 1024
OWN_ORDERS_MAX = 10
RELEASE = os.environ.get("HEADWAY_RELEASE", "v0")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Release": RELEASE,
}

catalogue, orders, ids = Dependency("catalogue"), Dependency("orders"), Dependency("ids")
app = Flask(__name__)
app.config.update(
    SECRET_KEY=os.environ["SESSION_SECRET"],
    MAX_CONTENT_LENGTH=BODY_BYTES_MAX,
    SESSION_COOKIE_SAMESITE="Lax",
)


@app.get("/")
def show_catalogue():
    return render_template("catalogue.html", products=catalogue.get("/products")["products"])


@app.get("/products/<sku>")
def show_product(sku: str):
    # The cart's number goes with the order, so that a button pressed twice orders once.
    if "cart" not in session:
        session["cart"] = ids.post("/carts")["id"]
    return render_template("product.html", product=find_product(sku), wrong="")


@app.post("/orders")
def place_order():
    product = find_product(request.form.get("sku", ""))
    quantity = request.form.get("quantity", type=int, default=0)
    wrong = out_of_stock(product, quantity)
    if wrong:
        return render_template("product.html", product=product, wrong=wrong), 409
    wish = {
        "cart": session.get("cart") or ids.post("/carts")["id"],
        "sku": product["sku"],
        "title": product["title"],
        "quantity": quantity,
        "unit_price_cents": product["price_cents"],
        "name": request.form.get("name", "").strip(),
        "email": request.form.get("email", "").strip(),
    }
    try:
        number = orders.post("/orders", wish)["number"]
    except Refused as refusal:
        return render_template("product.html", product=product, wrong=str(refusal)), 400
    ask_for_receipt(number, wish)
    session.pop("cart", None)
    session["orders"] = [number, *session.get("orders", [])][:OWN_ORDERS_MAX]
    return redirect(url_for("show_orders", _anchor=number), 303)


def ask_for_receipt(number: str, wish: dict) -> None:
    """Have the receipt written later; an order does not fail because nobody can write one."""
    try:
        invoke(
            "receipt",
            {"number": number, "email": wish["email"], "name": wish["name"]},
            key=number,  # asked for twice, written once
        )
    except InvokeError as error:
        log("receipt-not-asked-for", order=number, because=str(error))


@app.get("/orders")
def show_orders():
    latest = orders.get("/orders?limit=20")["orders"]
    # Names and addresses are shown to those only who gave them.
    return render_template("orders.html", orders=latest, own=set(session.get("orders", [])))


@app.get("/health")
def show_health():
    """Fail for what another release would cure; tell, but bear, what a dependency lacks."""
    if len(app.config["SECRET_KEY"]) < SECRET_LENGTH_MIN:
        wrong = f"SESSION_SECRET has fewer than {SECRET_LENGTH_MIN} characters"
        return {"status": "failing", "wrong": [wrong]}, 503
    wrong = [f"{it.name}: {it.trouble}" for it in (catalogue, orders, ids) if it.trouble]
    return {"status": "degraded" if wrong else "ok", "wrong": wrong}


def find_product(sku: str) -> dict:
    # Looked up among all products: what a visitor sent is never part of an address.
    for product in catalogue.get("/products")["products"]:
        if product["sku"] == sku:
            return product
    raise Refused(404, "There is no such product.")


def out_of_stock(product: dict, quantity: int) -> str:
    if not 1 <= quantity <= 99:
        return "Please order from 1 to 99."
    stock = catalogue.get(f"/products/{product['sku']}/stock?quantity={quantity}")
    return "" if stock["available"] else f"Only {stock['stock']} are in stock."


@app.template_filter("euros")
def euros(cents: int) -> str:
    return f"€ {cents / 100:,.2f}"


@app.context_processor
def footer() -> dict:
    return {
        "release": RELEASE,
        "environment": os.environ.get("HEADWAY_ENVIRONMENT", "nowhere"),
        "container": os.environ.get("HEADWAY_CONTAINER", "by hand"),
    }


@app.errorhandler(Unavailable)
def explain_unavailable(error: Unavailable):
    log("unavailable", path=request.path, error=error)
    text = "A part of the shop does not answer right now. Nothing was ordered twice; try again."
    return render_template("error.html", title="One moment, please", text=text), 503


@app.errorhandler(Refused)
def explain_refused(error: Refused):
    return render_template("error.html", title="That did not work", text=str(error)), error.status


@app.errorhandler(HTTPException)
def explain_http(error: HTTPException):
    return render_template("error.html", title=error.name, text=error.description), error.code


@app.errorhandler(Exception)
def explain_failure(error: Exception):
    log("failed", path=request.path, error=repr(error))
    text = "The shop made a mistake. It is in the log."
    return render_template("error.html", title="Sorry", text=text), 500


@app.before_request
def begin() -> None:
    g.began = time.perf_counter()


@app.after_request
def finish(response):
    response.headers.update(HEADERS)
    if request.path != "/health":
        log(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            ms=round((time.perf_counter() - g.began) * 1000),
            release=RELEASE,
        )
    return response


def main() -> None:
    # Waitress answers what it has begun before it lets this exit through.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server = waitress.create_server(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        threads=8,
        connection_limit=200,
        channel_timeout=30,
        max_request_body_size=4 * BODY_BYTES_MAX,
        ident=None,
    )
    log("listening", port=os.environ["PORT"], release=RELEASE)
    server.run()
    log("stopped")


if __name__ == "__main__":
    main()
