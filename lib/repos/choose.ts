import type { PathProblem } from "../git/paths.ts";
import type { TreeEntry } from "../git/tree.ts";

/** Why a file is not indexed, as far as it can be told without reading it. */
export type PathReason =
  | PathProblem
  | "submodule"
  | "symlink"
  | "vendored"
  | "generated"
  | "secret"
  | "binary"
  | "empty"
  | "too_large";

/** A larger file is data, whatever its name says. */
export const MAX_SOURCE_BYTES = 1024 * 1024;

const VENDORED =
  /(?:^|\/)(?:node_modules|bower_components|vendor|vendors|third_party|third-party|dist|Pods|Carthage|site-packages|__pycache__|\.venv|venv|\.yarn|\.next|\.nuxt|\.gradle|\.terraform)\//i;

const GENERATED = new RegExp(
  [
    // Lock files.
    "(?:^|/)(?:package-lock\\.json|npm-shrinkwrap\\.json|yarn\\.lock|pnpm-lock\\.yaml|bun\\.lockb?|deno\\.lock|cargo\\.lock)$",
    "(?:^|/)(?:poetry\\.lock|pdm\\.lock|uv\\.lock|pipfile\\.lock|gemfile\\.lock|composer\\.lock|go\\.sum|go\\.work\\.sum)$",
    "(?:^|/)(?:mix\\.lock|pubspec\\.lock|packages\\.lock\\.json|podfile\\.lock|package\\.resolved|flake\\.lock|\\.terraform\\.lock\\.hcl)$",
    // What compilers and bundlers write.
    "[.-]min\\.(?:js|css|mjs|cjs)$|\\.(?:js|css|mjs|cjs)\\.map$|\\.bundle\\.js$|\\.pb\\.(?:go|cc|h)$|_pb2(?:_grpc)?\\.pyi?$",
    "\\.(?:g|freezed)\\.dart$|\\.designer\\.(?:cs|vb)$|\\.(?:generated|gen)\\.\\w+$|\\.snap$",
  ].join("|"),
  "i",
);

const SECRET = new RegExp(
  [
    "(?:^|/)\\.env(?:\\.(?!example$|sample$|template$|dist$)[^/]*)?$",
    "\\.(?:pem|key|p12|pfx|p8|jks|keystore|kdbx|ppk|asc|gpg|ovpn|tfstate|tfvars)(?:\\.backup)?$",
    "(?:^|/)id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?$",
    "(?:^|/)(?:\\.npmrc|\\.pypirc|\\.netrc|_netrc|\\.htpasswd|\\.pgpass|\\.git-credentials|\\.dockercfg|kubeconfig)$",
    "(?:^|/)(?:\\.aws/credentials|\\.docker/config\\.json|\\.kube/config|credentials\\.json|secrets?\\.(?:ya?ml|json|toml|properties))$",
    "(?:^|/)(?:service[-_]?account|client[-_]secret)[^/]*\\.json$",
  ].join("|"),
  "i",
);

const BINARY =
  /\.(?:png|jpe?g|gif|bmp|ico|icns|webp|avif|tiff?|psd|pdf|docx?|xlsx?|pptx?|zip|gz|tgz|bz2|xz|zst|7z|rar|tar|jar|war|class|pyc|pyo|o|a|so|dll|dylib|exe|lib|obj|wasm|bin|dat|db|sqlite3?|mp[34]|m4[av]|mov|avi|mkv|webm|wav|flac|ogg|ttf|otf|woff2?|eot|parquet|npy|npz|onnx|pt|h5)$/i;

/** Whether a file by its path is there to hold secrets: nobody is shown it, whatever is in it. */
export function isSecretPath(path: string): boolean {
  return SECRET.test(path);
}

/** Why a file of a commit is not indexed; null for one whose content decides. */
export function pathReason({ refused, path, type, mode, size }: TreeEntry): PathReason | null {
  if (refused) return refused;
  if (type === "commit") return "submodule";
  if (mode === "120000") return "symlink";
  if (isSecretPath(path)) return "secret";
  if (VENDORED.test(path)) return "vendored";
  if (GENERATED.test(path)) return "generated";
  if (BINARY.test(path)) return "binary";
  if (size === 0) return "empty";
  return (size ?? 0) > MAX_SOURCE_BYTES ? "too_large" : null;
}
