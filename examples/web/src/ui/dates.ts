// Dates in the language of the browser.
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeZone: "UTC" });
const month = new Intl.DateTimeFormat(undefined, { month: "long", year: "numeric" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export const date = (value: string): string => day.format(new Date(value)); // a calendar date, which has no time zone
export const longDate = (value: string): string => month.format(new Date(value));
export const time = (value: string): string => moment.format(new Date(value));
