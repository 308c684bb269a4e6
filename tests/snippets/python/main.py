# Verifies the assertions of its input, `jwks audience assertion` a line, with the example.
import json
import sys

import jwt


def verify(jwks, audience, assertion):
    # EXAMPLE
    return claims


for line in sys.stdin:
    try:
        result = {"claims": verify(*line.split())}
    except jwt.PyJWTError as error:
        result = {"refused": str(error)}
    print(json.dumps(result), flush=True)
