/** Nothing to look at closely: most text is so. */
const PLAIN = /^[\x20-\x7e]*$/;

/** The flags of England, Scotland and Wales: the only emoji with tag characters. Else something that is not shown. */
const UNSEEN =
  /\u{1f3f4}\u{e0067}\u{e0062}(?:\u{e0065}\u{e006e}\u{e0067}|\u{e0073}\u{e0063}\u{e0074}|\u{e0077}\u{e006c}\u{e0073})\u{e007f}|(?![\t\n\r])[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Noncharacter_Code_Point}\p{Cc}\ufff9-\ufffb]/gu;
/** What is left out can bring other marks together, which NFC then sorts again: twice is enough but for made-up texts. */
const MAX_PASSES = 10;
/** Spaces, letters and signs that look like a blank, and code points that no font can know: alone they are no text. */
const BLANK = /[\p{Z}\p{C}\p{Default_Ignorable_Code_Point}\u{16fe4}\u2800\u{13441}\u{13442}\u{1d159}]/u;

/** Whether each character of a text can be seen: there is no space in it, either. */
export const isAllVisible = (text: string): boolean => !BLANK.test(text);
const isAllBlank = (text: string): boolean => Array.from(text).every((character) => BLANK.test(character));

/** Scripts in which a joiner or non-joiner changes what the letter beside it looks like. */
const JOINING =
  /^(?=[\p{L}\p{M}])[\p{scx=Arab}\p{scx=Syrc}\p{scx=Nkoo}\p{scx=Mong}\p{scx=Phag}\p{scx=Deva}\p{scx=Beng}\p{scx=Guru}\p{scx=Gujr}\p{scx=Orya}\p{scx=Taml}\p{scx=Telu}\p{scx=Knda}\p{scx=Mlym}\p{scx=Sinh}\p{scx=Khmr}\p{scx=Mymr}\p{scx=Tibt}]/u;
const BEFORE_EMOJI_JOINER = /^[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f]/u;
/** What is left out itself changes nothing. */
const IGNORABLE = /^\p{Default_Ignorable_Code_Point}/u;
const PICTOGRAPH = /^\p{Extended_Pictographic}/u;

/** Characters that aren't shown themselves and change another one, with what must stand before and after each. */
const MODIFIERS: readonly { character: RegExp; after: RegExp; before?: RegExp }[] = [
  { character: /^\u200d/, after: JOINING },
  { character: /^\u200d/, after: BEFORE_EMOJI_JOINER, before: PICTOGRAPH },
  { character: /^\u200c/, after: JOINING, before: JOINING },
  { character: /^[\ufe0e\ufe0f]/, after: /^\p{Emoji}/u },
  { character: /^[\ufe00-\ufe0d]/, after: /^[\p{S}\p{sc=Han}\p{sc=Myanmar}\p{sc=Phags_Pa}]/u },
  { character: /^[\u{e0100}-\u{e01ef}]/u, after: /^\p{Unified_Ideograph}/u },
  { character: /^[\u180b-\u180f]/, after: /^\p{sc=Mongolian}/u },
];

/** The last code point of a text; '' of an empty one. */
const lastOf = (text: string): string => {
  const last = text.at(-1) ?? '';
  return /^[\udc00-\udfff]/.test(last) ? text.slice(-2) : last;
};

function changesSomething(character: string, before: string, after: string): boolean {
  return MODIFIERS.some(
    (modifier) =>
      modifier.character.test(character) &&
      modifier.after.test(before) &&
      (modifier.before === undefined || (modifier.before.test(after) && !IGNORABLE.test(after))),
  );
}

/** From left to right: what stands before a character is what was left of it, and what must stand after one is always left. */
function withoutUnseen(text: string): string {
  let seen = '';
  let end = 0;
  for (const { 0: found, index } of text.matchAll(UNSEEN)) {
    seen += text.slice(end, index);
    end = index + found.length;
    const isFlag = found.startsWith('\u{1f3f4}');
    if (isFlag || changesSomething(found, lastOf(seen), text.slice(end, end + 2))) seen += found;
  }
  return seen + text.slice(end);
}

/**
 * What can be seen of a text, trimmed and in Unicode's form NFC: without controls (but tabs and line breaks), marks of
 * direction, and what Unicode calls default-ignorable. Joiners and selectors stay where they change what is seen, as in
 * emoji, Persian or Hindi. '' where nothing can be seen.
 */
export function visibleText(raw: string): string {
  if (PLAIN.test(raw)) return raw.trim();
  let text = raw.trim().normalize('NFC');
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const before = text;
    text = withoutUnseen(text).trim().normalize('NFC');
    if (text === before) break;
  }
  return isAllBlank(text) ? '' : text;
}
