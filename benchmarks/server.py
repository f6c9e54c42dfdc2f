"""The app that benchmarks deploy: HTTP/1.1 over asyncio, as quick as Python allows."""

import asyncio
import base64
import hashlib
import os
import signal

RELEASE = os.environ.get("HEADWAY_RELEASE", "v0").encode()
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(RELEASE), RELEASE)
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Server(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.data = b""
        self.left = 0
        self.socket = False

    def data_received(self, data):
        if self.socket:
            self.echo(data)
            return
        if self.left:
            self.left -= len(data)
            if self.left <= 0:
                self.left = 0
                self.transport.write(ANSWER)
            return
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head, self.data = self.data[:end], self.data[end + 4 :]
            self.answer(head)

    def answer(self, head):
        path = head.split(b" ", 2)[1]
        lower = head.lower()
        if b"\r\nupgrade: websocket" in lower:
            start = lower.index(b"\r\nsec-websocket-key:") + 20
            key = head[start:].split(b"\r\n")[0].strip()
            accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
            self.transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n"
                b"connection: Upgrade\r\nsec-websocket-accept: " + accept + b"\r\n\r\n"
            )
            self.socket = True
        elif b"\r\ncontent-length: " in lower:
            length = int(lower.split(b"\r\ncontent-length: ")[1].split(b"\r\n")[0])
            self.left = length - len(self.data)
            self.data = b""
            if self.left <= 0:
                self.left = 0
                self.transport.write(ANSWER)
        elif path.startswith(b"/slow"):
            asyncio.get_running_loop().call_later(1.0, self.transport.write, ANSWER)
        else:
            self.transport.write(ANSWER)
            if b"\r\nconnection: close" in lower:
                self.transport.close()

    def echo(self, data):
        length = data[1] & 127
        mask, body = data[2:6], data[6 : 6 + length]
        text = bytes(byte ^ mask[index % 4] for index, byte in enumerate(body))
        self.transport.write(bytes([0x81, len(text)]) + text)


async def main():
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(Server, "127.0.0.1", int(os.environ["PORT"]), backlog=1024)
    async with server:
        await stop.wait()


asyncio.run(main())
