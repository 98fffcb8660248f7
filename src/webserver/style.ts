/** The one style sheet of our pages: light and dark by the reader's setting, tables that become lists on a phone. */
export const style = `
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--text:#1b1f24;--soft:#57606a;--line:#d8dee4;--link:#0550ae;--good:#116329;--warn:#7d4e00;--bad:#a40e26;--code:#eef1f4}
@media (prefers-color-scheme:dark){:root{--page:#0d1117;--card:#161b22;--text:#e6edf3;--soft:#9da7b3;--line:#30363d;--link:#79b8ff;--good:#56d364;--warn:#e3b341;--bad:#ff7b72;--code:#0b0f14}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:64rem;margin:0 auto;padding:1.25rem 1rem 3rem}
h1{font-size:1.6rem;line-height:1.2;margin:.25rem 0}
h2{font-size:1.1rem;margin:0 0 .6rem}
h3{font-size:1rem;font-weight:600;margin:.9rem 0 .3rem}
p{margin:.25rem 0 .6rem}
a{color:var(--link)}
section{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1rem;margin:1rem 0}
section>:last-child,.verdict>:last-child{margin-bottom:0}
.verdict{background:var(--card);border:1px solid var(--line);border-left:.4rem solid currentColor;border-radius:.5rem;padding:.75rem 1rem;margin:1rem 0}
.verdict>p{font-size:1.1rem;margin:0 0 .4rem}
.verdict ul{color:var(--text);margin:0;padding-left:1.2rem}
.verdict li{overflow-wrap:anywhere}
.soft{color:var(--soft)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td{border-bottom:0}
th{color:var(--soft);font-weight:600;font-size:.85rem}
td.number,th.number{text-align:right;white-space:nowrap}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.85rem}
code,h1,p,td a{overflow-wrap:anywhere}
pre{background:var(--code);border:1px solid var(--line);border-radius:.4rem;padding:.75rem;margin:.4rem 0 .9rem;overflow-x:auto;user-select:all;-webkit-user-select:all}
.state{font-weight:600;white-space:nowrap}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}
meter{width:8rem;max-width:100%}
@media (max-width:40rem){main{padding:.75rem .6rem 2rem}section{padding:.75rem}
table.stack thead{display:none}table.stack tr{display:block;border-bottom:1px solid var(--line);padding:.4rem 0}table.stack tr:last-child{border-bottom:0}
table.stack td{display:block;border:0;padding:.1rem 0;text-align:left}
table.stack td:first-child{font-weight:600}pre{white-space:pre-wrap;overflow-wrap:anywhere}
table.stack td:empty{display:none}table.stack td[data-label]:not(:first-child)::before{content:attr(data-label) ": ";color:var(--soft)}}
`;
