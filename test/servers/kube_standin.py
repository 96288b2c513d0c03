# test/servers/kube_standin.py FOLDER TLS_FOLDER — a stand-in for a Kubernetes API server: Secrets and nothing else.
#
# Knows GET, POST, PUT, DELETE of Secrets, lists by one label, resource versions, bearer tokens and client certificates,
# and keeps everything in memory.  Written from the API's description and held to what the real server does by the same test.
# Prints its port into FOLDER/port.  The file FOLDER/delay makes it wait so many seconds before each write.
import base64
import http.server
import json
import os
import re
import ssl
import sys
import threading
import time
import urllib.parse

folder, tls = sys.argv[1:3]
namespaces = {"default", "ns-default", "other"}
tokens = {"admin-token": None, "reader-token": "default"}
secrets = {}
lock = threading.Lock()
counter = [100]


def status(code, reason):
    return code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, result):
        code, document = result
        body = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def allowed(self, namespace):
        if self.connection.getpeercert():
            return 0
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in tokens:
            return 401
        return 0 if tokens[token] in (None, namespace) else 403

    def handle_any(self):
        url = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        found = re.fullmatch(r"/api/v1/namespaces/([^/]+)/secrets(?:/([^/]+))?", url.path)
        if not found:
            return self.answer(status(404, "NotFound"))
        namespace, name = found.groups()
        refused = self.allowed(namespace)
        if refused:
            return self.answer(status(refused, "Unauthorized" if refused == 401 else "Forbidden"))
        if self.command != "GET" and os.path.exists(f"{folder}/delay"):
            time.sleep(float(open(f"{folder}/delay").read()))
        with lock:
            self.answer(self.act(namespace, name, urllib.parse.parse_qs(url.query), body))

    def act(self, namespace, name, query, body):
        key = (namespace, name)
        if self.command == "GET" and name is None:
            label, value = query.get("labelSelector", ["=" ])[0].split("=")
            items = [s for (n, _), s in sorted(secrets.items()) if n == namespace and
                     (not label or s["metadata"].get("labels", {}).get(label) == value)]
            return 200, {"kind": "SecretList", "apiVersion": "v1", "metadata": {"resourceVersion": str(counter[0])},
                         "items": items[:int(query.get("limit", ["1000"])[0])]}
        if self.command == "POST":
            if namespace not in namespaces:
                return status(404, "NotFound")
            name = json.loads(body)["metadata"]["name"]
            if (namespace, name) in secrets:
                return status(409, "AlreadyExists")
            return self.store(namespace, name, body, 201)
        if key not in secrets:
            return status(404, "NotFound")
        if self.command == "PUT":
            wanted = json.loads(body)["metadata"].get("resourceVersion")
            if wanted and wanted != secrets[key]["metadata"]["resourceVersion"]:
                return status(409, "Conflict")
            return self.store(namespace, name, body, 200)
        if self.command == "DELETE":
            del secrets[key]
            return 200, {"kind": "Status", "status": "Success"}
        return 200, secrets[key]

    def store(self, namespace, name, body, code):
        document = json.loads(body)
        for value in document.get("data", {}).values():
            base64.b64decode(value, validate=True)
        counter[0] += 1
        document["metadata"]["resourceVersion"] = str(counter[0])
        secrets[(namespace, name)] = document
        return code, document

    do_GET = do_POST = do_PUT = do_DELETE = handle_any


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{tls}/good.crt", f"{tls}/good.key")
context.load_verify_locations(f"{tls}/ca.crt")
context.verify_mode = ssl.CERT_OPTIONAL
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
with open(f"{folder}/port.new", "w") as f:
    f.write(str(server.server_address[1]))
os.rename(f"{folder}/port.new", f"{folder}/port")
server.serve_forever()
