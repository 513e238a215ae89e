const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|\[::1\]|localhost):\d{1,5}$/;

/**
 * The origin of a host name as Vercel gives it, without a scheme. It is https; only a loopback address with a port, which no
 * deployment of Vercel's has, is http.
 */
export function originOf(host: string): string {
  const plain = host.replace(/^https?:\/\//, "").replace(/\/+$/, "");
  return `${LOOPBACK.test(plain) ? "http" : "https"}://${plain}`;
}
