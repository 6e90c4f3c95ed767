// Numbers, times, money and durations in the manner of the browser's locale.

const locale = undefined;
const clockTime = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const shortTime = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' });
const dayTime = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
const longDay = new Intl.DateTimeFormat(locale, { dateStyle: 'full' });
const wholeNumber = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const percentage = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 });
const dollars = new Intl.NumberFormat(locale, { style: 'currency', currency: 'USD' });
const fineDollars = new Intl.NumberFormat(locale, {
  style: 'currency',
  currency: 'USD',
  maximumFractionDigits: 4,
});
const dayOfRow = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', timeZone: 'UTC' });
const fullDayOfRow = new Intl.DateTimeFormat(locale, {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  timeZone: 'UTC',
});

/// The browser's time zone, by its IANA name.
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

export const timeOfDay = (ms) => clockTime.format(ms);
export const hourAndMinute = (ms) => shortTime.format(ms);
export const dateAndTime = (ms) => dayTime.format(ms);
export const fullDate = (ms) => longDay.format(ms);
export const integer = (number) => wholeNumber.format(number);
export const percent = (share) => percentage.format(share);

/// `4:07`, `1:02:09`: a duration in milliseconds.
export function duration(ms) {
  const seconds = Math.floor(ms / 1000);
  const two = (number) => String(number).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/// `1.2 s`: a delay in milliseconds. The space does not break.
export const seconds = (ms) => `${tenths.format(ms / 1000)}\u00a0s`;

/// Hours and minutes of a sum: `12 h 05 min`.
export function hours(ms) {
  const minutes = Math.round(ms / 60000);
  return minutes < 60
    ? `${minutes}\u00a0min`
    : `${integer(Math.floor(minutes / 60))}\u00a0h ${String(minutes % 60).padStart(2, '0')}\u00a0min`;
}

/// Millionths of a US dollar; small sums with more digits.
export function money(millionths) {
  const sum = millionths / 1e6;
  return (sum !== 0 && Math.abs(sum) < 0.1 ? fineDollars : dollars).format(sum);
}

/// A row's day, `2026-11-21`, without and with its weekday.
export const dayLabel = (key) => dayOfRow.format(Date.parse(`${key}T00:00:00Z`));
export const dayLabelLong = (key) => fullDayOfRow.format(Date.parse(`${key}T00:00:00Z`));

/// The day in the browser's zone, so many days from today: `2026-11-21`.
export function isoDay(offset = 0) {
  const day = new Date();
  day.setDate(day.getDate() + offset);
  return isoOf(day);
}

export function isoOf(date) {
  const two = (number) => String(number).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/// Midnight of a day in the browser's zone, in ms since 1970; `days` later if asked.
export function midnight(iso, days = 0) {
  const [year, month, day] = iso.split('-').map(Number);
  return new Date(year, month - 1, day + days).getTime();
}

/// A phone number in groups that can be read; anything else as it is.
export function phone(number) {
  const match = /^\+(\d{7,15})$/.exec(number ?? '');
  if (match === null) return number ?? '';
  const digits = match[1];
  if (digits.startsWith('1') && digits.length === 11) {
    return `+1\u00a0${digits.slice(1, 4)}\u00a0${digits.slice(4, 7)}\u00a0${digits.slice(7)}`;
  }
  const country = codeLength(digits);
  const groups = digits.slice(country).match(/.{1,3}(?!.$)|.{1,4}$/g) ?? [];
  return `+${[digits.slice(0, country), ...groups].join('\u00a0')}`;
}

/// How many digits a country's code has (ITU-T E.164, list of assigned codes).
function codeLength(digits) {
  if (/^[17]/.test(digits)) return 1;
  return /^(20|27|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/.test(digits) ? 2 : 3;
}
