import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.net.ProxySelector;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Asks a running "drg serve"; Java 11 or later, no library.
 *
 * <pre>java DrgClient.java http://127.0.0.1:8765 case.json claims.csv grouped.csv</pre>
 *
 * <p>Every call only computes, so it may be asked again without harm.
 */
public final class DrgClient {
    private static final int TRIES = 4;

    /** HTTP/1.1, for the service speaks nothing else; no proxy ever sees a claim. */
    private final HttpClient http = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .proxy(ProxySelector.of(null))
            .connectTimeout(Duration.ofSeconds(3))
            .build();
    private final String base;

    public DrgClient(String base) {
        this.base = base;
    }

    /** The service understood the request and says what is wrong with it. */
    public static final class Refused extends IOException {
        private static final long serialVersionUID = 1;
        public final int status;
        public final transient Map<String, Object> error;

        Refused(int status, Map<String, Object> error) {
            super(status + " " + error.get("code") + " " + error.get("what") + " " + error.get("mend"));
            this.status = status;
            this.error = error;
        }
    }

    /** One question, one answer, both JSON in UTF-8. */
    public Map<String, Object> ask(String path, String json) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(base + path))
                .timeout(Duration.ofSeconds(10))
                .header("Content-Type", "application/json; charset=utf-8")
                .POST(HttpRequest.BodyPublishers.ofString(json, StandardCharsets.UTF_8))
                .build();
        try (InputStream answer = send(request)) {
            return object(answer);
        }
    }

    /** A file to a file; the target appears when the answer is whole, or not at all. */
    public void batch(Path source, Path target, String query) throws IOException, InterruptedException {
        String name = URLEncoder.encode(source.getFileName().toString(), StandardCharsets.UTF_8);
        HttpRequest request = HttpRequest.newBuilder(URI.create(base + "/batch?name=" + name + "&" + query))
                .timeout(Duration.ofMinutes(10))
                .header("Content-Type", "application/octet-stream")
                .POST(HttpRequest.BodyPublishers.ofFile(source))
                .build();
        Path part = target.resolveSibling(target.getFileName() + ".part");
        try (InputStream answer = send(request)) {
            Files.copy(answer, part, StandardCopyOption.REPLACE_EXISTING); // throws if it breaks off
            Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    private InputStream send(HttpRequest request) throws IOException, InterruptedException {
        for (int left = TRIES - 1; ; left--) {
            long pause = 1;
            try {
                HttpResponse<InputStream> answer =
                        http.send(request, HttpResponse.BodyHandlers.ofInputStream());
                if (answer.statusCode() == 200) {
                    return answer.body();
                }
                OptionalLong later = answer.headers().firstValueAsLong("Retry-After"); // busy (503)
                try (InputStream body = answer.body()) {
                    if (later.isEmpty() || left == 0) {
                        throw new Refused(answer.statusCode(), object(body));
                    }
                }
                pause = later.getAsLong();
            } catch (Refused refused) {
                throw refused;
            } catch (IOException broken) { // not running yet, or the connection broke
                if (left == 0) {
                    throw broken;
                }
            }
            Thread.sleep(1000 * pause);
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> object(InputStream body) throws IOException {
        String text = new String(body.readAllBytes(), StandardCharsets.UTF_8);
        return (Map<String, Object>) new Json(text).value();
    }

    /** Whole fen as yuan; a missing amount stays missing. */
    static String yuan(Object fen) {
        return fen == null ? "—" : BigDecimal.valueOf((Long) fen, 2).toPlainString();
    }

    @SuppressWarnings("unchecked")
    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        DrgClient drg = new DrgClient(args[0]);
        String claim = Files.readString(Path.of(args[1]), StandardCharsets.UTF_8);

        Map<String, Object> found =
                drg.ask("/group", "{\"scheme\": \"haerbin-2022\", \"claim\": " + claim + "}");
        out.println(found.get("outcome") + " " + found.get("group") + " " + found.get("group_name"));
        out.println("scheme " + found.get("scheme") + " " + found.get("digest").toString().substring(0, 12));

        Map<String, Object> told = drg.ask("/explain",
                "{\"scheme\": \"haerbin-2022\", \"policy\": \"demo-2024\", \"claim\": " + claim + "}");
        Map<String, Object> money = (Map<String, Object>) told.get("money");
        out.println("standard " + yuan(money.get("standard_fen")) + " fund " + yuan(money.get("fund_fen")));
        out.println("difference " + yuan(money.get("difference_fen")) + " " + money.get("case_class"));

        try {
            drg.ask("/group", "{\"scheme\": \"no-such-scheme\", \"claim\": " + claim + "}");
        } catch (Refused refused) {
            out.println("refused " + refused.status + " " + refused.error.get("code"));
        }

        Path grouped = Path.of(args[3]);
        drg.batch(Path.of(args[2]), grouped, "scheme=haerbin-2022&format=csv");
        out.println("wrote " + grouped.getFileName());
    }

    /** Reads JSON: objects are Map, arrays List, whole numbers Long. Jackson or Gson do as well. */
    static final class Json {
        private final String text;
        private int at;

        Json(String text) {
            this.text = text;
        }

        Object value() {
            char first = next();
            if (first == '{') {
                Map<String, Object> object = new LinkedHashMap<>();
                while (more('}')) {
                    String name = (String) value();
                    next(); // the colon
                    at++;
                    object.put(name, value());
                }
                return object;
            }
            if (first == '[') {
                List<Object> array = new ArrayList<>();
                while (more(']')) {
                    array.add(value());
                }
                return array;
            }
            return first == '"' ? string() : word();
        }

        private char next() {
            while (Character.isWhitespace(text.charAt(at))) {
                at++;
            }
            return text.charAt(at);
        }

        /** Steps over the opening bracket or a comma; false: over the closing bracket. */
        private boolean more(char closing) {
            boolean inside = next() != closing;
            at++;
            if (inside && next() == closing) { // empty
                at++;
                return false;
            }
            return inside;
        }

        private String string() {
            StringBuilder found = new StringBuilder();
            for (at++; text.charAt(at) != '"'; at++) {
                char c = text.charAt(at);
                if (c == '\\') {
                    c = text.charAt(++at);
                    if (c == 'u') {
                        c = (char) Integer.parseInt(text.substring(at + 1, at + 5), 16);
                        at += 4;
                    } else {
                        int escape = "bfnrt".indexOf(c);
                        c = escape < 0 ? c : "\b\f\n\r\t".charAt(escape);
                    }
                }
                found.append(c);
            }
            at++;
            return found.toString();
        }

        private Object word() {
            int from = at;
            while (at < text.length() && ",]} \r\n\t".indexOf(text.charAt(at)) < 0) {
                at++;
            }
            String word = text.substring(from, at);
            switch (word) {
                case "null": return null;
                case "true": return true;
                case "false": return false;
                default: return word.matches("-?\\d+") ? (Object) Long.valueOf(word) : new BigDecimal(word);
            }
        }
    }
}
