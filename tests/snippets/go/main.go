// Verifies the assertions of its input, `jwks audience assertion` a line, with the example.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

func verify(ctx context.Context, jwks, audience, assertion string) (jwt.MapClaims, error) {
	// EXAMPLE
	return claims, nil
}

func main() {
	results := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		words := strings.Fields(lines.Text())
		ctx, cancel := context.WithCancel(context.Background())
		claims, err := verify(ctx, words[0], words[1], words[2])
		cancel()
		if err != nil {
			results.Encode(map[string]any{"refused": err.Error()})
		} else {
			results.Encode(map[string]any{"claims": claims})
		}
	}
}
