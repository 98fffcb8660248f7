/** The version of this tool; the same as in package.json (a test holds that). */
export const toolVersion = '0.1.0';
