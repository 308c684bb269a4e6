"""The OCI image with the module: one layer with `plugin.wasm` at its top.

Istio and Envoy Gateway read the last layer, whose media type has to be the one below, and look in
it for a file of that name ("compat" variant of the Wasm image specification). Both ask a registry
for an image, so the archive has no image index but that of the layout.
"""

import hashlib
import json
from pathlib import Path

from archive import compress, tar

OCI = "application/vnd.oci.image"


def write_image(folder: Path, module, licenses, about):
    """Writes an OCI image layout to `folder`, and returns the same as a tar archive."""
    content = tar([("plugin.wasm", module), ("licenses.txt", licenses)], about.epoch)
    layer = compress(content)
    labels = {
        "org.opencontainers.image.title": "tenantgate",
        "org.opencontainers.image.description": about.description,
        "org.opencontainers.image.version": about.version,
        "org.opencontainers.image.revision": about.commit,
        "org.opencontainers.image.created": about.time,
        "org.opencontainers.image.licenses": about.license,
    }
    config = encode({
        "created": about.time,
        "architecture": "wasm",
        "os": "wasip1",
        "config": {"Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [digest(content)]},
        "history": [{"created": about.time, "created_by": "./build.sh release"}],
    })
    manifest = encode({
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": descriptor(f"{OCI}.config.v1+json", config),
        "layers": [descriptor(f"{OCI}.layer.v1.tar+gzip", layer)],
        "annotations": {"module.wasm.image/variant": "compat", **labels},
    })
    named = descriptor(f"{OCI}.manifest.v1+json", manifest)
    named["annotations"] = {"org.opencontainers.image.ref.name": about.version}
    files = {
        "oci-layout": encode({"imageLayoutVersion": "1.0.0"}),
        "index.json": encode({"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": [named]}),
    }
    for blob in (config, layer, manifest):
        files[f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}"] = blob
    for name, blob in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(blob)
    return tar(sorted(files.items()), about.epoch)


def descriptor(media_type, content):
    return {"mediaType": media_type, "digest": digest(content), "size": len(content)}


def digest(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def encode(value):
    return json.dumps(value, indent=2).encode() + b"\n"
