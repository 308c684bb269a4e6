"""A software bill of materials in the format CycloneDX 1.6."""

import hashlib
import uuid


def sbom(name, content, kind, crates, libraries, toolchain, about):
    """The parts of the file `name`. The first crate is the project itself."""
    own, *others = crates
    digest = hashlib.sha256(content).hexdigest()
    ref = f"pkg:generic/{own.name}@{own.version}?file_name={name}"
    links = {ref: own.uses | {library.ref for library in libraries}}
    links |= {crate.purl: crate.uses for crate in others} | {library.ref: set() for library in libraries}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        # The same file has the same number.
        "serialNumber": f"urn:uuid:{uuid.UUID(digest[:32], version=4)}",
        "version": 1,
        "metadata": {
            "timestamp": about.time,
            "lifecycles": [{"phase": "build"}],
            "tools": {"components": [{"type": "application", "name": "rustc", "version": toolchain.version}]},
            "component": {
                "type": kind,
                "bom-ref": ref,
                "name": name,
                "version": own.version,
                "description": about.description,
                "purl": ref,
                "licenses": [{"expression": own.license}],
                "hashes": [{"alg": "SHA-256", "content": digest}],
            },
        },
        "components": [of_crate(crate) for crate in others] + [of_library(library) for library in libraries],
        "dependencies": [{"ref": ref, "dependsOn": sorted(uses)} for ref, uses in sorted(links.items())],
    }


def of_crate(crate):
    return {
        "type": "library",
        "bom-ref": crate.purl,
        "name": crate.name,
        "version": crate.version,
        "purl": crate.purl,
        "licenses": [{"expression": crate.license}],
        # Of the package that was downloaded.
        "hashes": [{"alg": "SHA-256", "content": crate.checksum}],
    }


def of_library(library):
    component = {
        "type": "library",
        "bom-ref": library.ref,
        "name": library.name,
        "description": library.about,
        "purl": library.ref,
        "licenses": [{"expression": library.license}],
    }
    return component | ({"version": library.version} if library.version else {})
