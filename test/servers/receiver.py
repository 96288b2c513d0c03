"""test/servers/receiver.py FOLDER TLS_FOLDER — a receiver of webhooks and one of mails, for tests.

Writes its ports to FOLDER/ports: http, https, https with a certificate for another host, smtp with STARTTLS required
and a login, smtp without TLS, smtps.  What a webhook is sent is kept in FOLDER/web.N (method, path, headers, an empty
line, the body), what a mail holds in FOLDER/mail.N (envelope, an empty line, the mail).  The path of a webhook says how it is
answered:
    /status/500        that status, always
    /fail/3/NAME       500 three times for NAME, then 200
    /hang              not at all
    /hang-after        it is taken, but never answered
    /busy/7            503 and Retry-After: 7
    /redirect          302 to /status/200
    /large             200 and a body of 4 MB
"""
import itertools
import os
import socket
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

folder, tls = sys.argv[1], sys.argv[2]
numbers = {"web": itertools.count(1), "mail": itertools.count(1)}
failures = {}
lock = threading.Lock()


def keep(kind, data):
    with lock:
        number = next(numbers[kind])
        name = os.path.join(folder, "%s.%d" % (kind, number))
        with open(name + ".new", "wb") as file:
            file.write(data)
        os.rename(name + ".new", name)


class Webhook(BaseHTTPRequestHandler):
    def do_POST(self):
        parts = self.path.split("/")
        if parts[1] == "hang":
            time.sleep(3600)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        head = "".join("%s: %s\r\n" % item for item in self.headers.items())
        keep("web", ("%s %s\r\n%s\r\n" % (self.command, self.path, head)).encode("latin-1") + body)
        if parts[1] == "hang-after":
            time.sleep(3600)
        self.answer(parts)

    def answer(self, parts):
        status, headers, body = 200, {}, b"ok"
        if parts[1] == "status":
            status = int(parts[2])
        elif parts[1] == "fail":
            with lock:
                failures[parts[3]] = failures.get(parts[3], 0) + 1
                status = 500 if failures[parts[3]] <= int(parts[2]) else 200
        elif parts[1] == "busy":
            status, headers = 503, {"Retry-After": parts[2]}
        elif parts[1] == "redirect":
            status, headers = 302, {"Location": "/status/200"}
        elif parts[1] == "large":
            body = b"x" * (4 * 1024 * 1024)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Mails:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        head = "from: %s\r\nto: %s\r\nuser: %s\r\n\r\n" % (
            envelope.mail_from, " ".join(envelope.rcpt_tos), getattr(session, "login", None) or "-")
        keep("mail", head.encode() + envelope.original_content)
        return "250 OK"


def login(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"alerts", b"smtp-pass-1")
    session.login = data.login.decode() if good else None
    return AuthResult(success=good, handled=False)


def context(name):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(os.path.join(tls, name + ".crt"), os.path.join(tls, name + ".key"))
    return made


class Web(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def web(certificate=None):
    server = Web(("127.0.0.1", 0), Webhook)
    if certificate:
        server.socket = context(certificate).wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


class Mail(Controller):
    def __init__(self, wrapped=None, **options):
        self.options = options
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        super().__init__(Mails(), hostname="127.0.0.1", port=port, ssl_context=wrapped)

    def factory(self):
        return SMTP(self.handler, hostname="receiver.invalid", **self.options)


def mail(**options):
    controller = Mail(**options)
    controller.start()
    return controller.port


ports = [web(), web("good"), web("wrong-name"),
         mail(tls_context=context("good"), require_starttls=True, authenticator=login, auth_required=True),
         mail(), mail(wrapped=context("good"))]
with open(os.path.join(folder, "ports.new"), "w") as file:
    file.write(" ".join(map(str, ports)) + "\n")
os.rename(os.path.join(folder, "ports.new"), os.path.join(folder, "ports"))
threading.Event().wait()
