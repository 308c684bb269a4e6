// Verifies the assertions of its input, `jwks audience assertion` a line, with the example.
import java.util.Map;
import java.util.Scanner;

import org.jose4j.json.JsonUtil;
import org.jose4j.jwa.AlgorithmConstraints.ConstraintType;
import org.jose4j.jwk.HttpsJwks;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.consumer.InvalidJwtException;
import org.jose4j.jwt.consumer.JwtConsumerBuilder;
import org.jose4j.jwt.consumer.Validator;
import org.jose4j.keys.resolvers.HttpsJwksVerificationKeyResolver;

class Main {
    static JwtClaims verify(String jwks, String audience, String assertion) throws Exception {
        // EXAMPLE
        return claims;
    }

    public static void main(String[] args) throws Exception {
        for (var lines = new Scanner(System.in); lines.hasNextLine();) {
            var words = lines.nextLine().split(" ");
            Map<String, Object> result;
            try {
                result = Map.of("claims", verify(words[0], words[1], words[2]).getClaimsMap());
            } catch (InvalidJwtException error) {
                result = Map.of("refused", error.getMessage());
            }
            System.out.println(JsonUtil.toJson(result));
        }
    }
}
