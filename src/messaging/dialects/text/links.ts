/** Whether `text` holds a web link or a link to a Nostr event: Timmy says that links are not opened. */
export function hasLink(text: string): boolean {
  return /\bhttps?:\/\/\S|\bwww\.[a-z0-9-]+\.\S|\bnostr:(?:note|nevent|naddr)1/i.test(text);
}

const MEDIA_FILE =
  /\.(?:jpe?g|jfif|png|gif|webp|avif|heic|heif|bmp|svg|tiff?|mp3|m4a|aac|og[agv]|opus|wav|flac|mp4|m4v|mov|webm|mkv|avi|3gp|m3u8)$/i;
/** A Blossom blob (BUD-01): its SHA-256 for a name, usually a picture, never words. */
const BLOB = /\/[0-9a-f]{64}$/i;

/** Whether `text` is nothing but links to images, sounds or videos (bare, in `<…>`, or in markdown's `![](…)`). */
export function isMediaOnly(text: string): boolean {
  const words = text
    .replace(/!\[[^\]\n]{0,200}\]\((\S{1,2000}?)\)/g, ' $1 ')
    .trim()
    .split(/\s+/);
  return words.every(isMediaLink);
}

function isMediaLink(word: string): boolean {
  if (/^data:(?:image|audio|video)\//i.test(word)) return true;
  const link = word.replace(/^<|[>.,]{1,4}$/g, '');
  if (!/^https?:/i.test(link) || !URL.canParse(link)) return false;
  const url = new URL(link);
  return MEDIA_FILE.test(url.pathname) || BLOB.test(url.pathname);
}

/** Whether a secret key stands anywhere in `text` (NIP-19 `nsec1…`, NIP-49 `ncryptsec1…`), even one with a wrong letter. */
export function hasSecretKey(text: string): boolean {
  return /(?:nsec|ncryptsec)1[a-z0-9]{50,}/i.test(text);
}
