// The table of languages that the desk was given, and the attributes of text in one of them.

import { h, setAttribute } from './dom.js';

let table = [];
let byTag = new Map();

const RTL = new Set(['ar', 'he', 'fa', 'ur', 'ps', 'sd', 'ug', 'yi', 'dv', 'ckb', 'iw']);

export function useLanguages(languages) {
  table = languages;
  byTag = new Map();
  for (const language of languages) {
    byTag.set(language.tag.toLowerCase(), language);
    const base = baseOf(language.tag);
    if (!byTag.has(base)) byTag.set(base, language);
  }
}

export const allLanguages = () => table;

/// The row for a tag, by the whole tag or else by its base; `null` where there is none.
export function find(tag) {
  if (!tag) return null;
  return byTag.get(tag.toLowerCase()) ?? byTag.get(baseOf(tag)) ?? null;
}

export const nameOf = (tag) => find(tag)?.name ?? tag ?? '';
export const nativeOf = (tag) => find(tag)?.native ?? tag ?? '';

export function isRtl(tag) {
  const row = find(tag);
  return row === null ? RTL.has(baseOf(tag ?? '')) : row.rtl;
}

/// Says what language an element's text is in, and which way it runs.
export function speak(element, tag) {
  setAttribute(element, 'lang', tag || null);
  setAttribute(element, 'dir', tag ? (isRtl(tag) ? 'rtl' : 'ltr') : 'auto');
  return element;
}

/// A language's own name, marked as such, with the English one for whoever points at it.
export function nativeName(tag) {
  return speak(h('span', { class: 'native', title: nameOf(tag) }, nativeOf(tag)), tag);
}

/// Whether a language is meant by what somebody typed.
export function matches(language, typed) {
  const wanted = plain(typed);
  return [language.name, language.native, language.slug, language.tag].some((name) =>
    plain(name).includes(wanted),
  );
}

const baseOf = (tag) => tag.toLowerCase().split('-')[0];
const plain = (text) =>
  text
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase()
    .trim();
