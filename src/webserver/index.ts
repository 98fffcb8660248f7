export { type AccessEntry, renderAccessLine } from './access-log.ts';
export { webserverErrors } from './errors.ts';
export { startWebServer, type WebListen, type WebServer, type WebServerOptions, type WebTls } from './server.ts';
export type { WebFile, WebText } from './site.ts';
export {
  renderStatusPage,
  type StatusBundle,
  type StatusCertificate,
  type StatusCheck,
  type StatusDisk,
  type StatusFile,
  type StatusLevel,
  type StatusModel,
  type StatusOperator,
  type StatusRelease,
  type StatusService,
  type StatusSnippet,
} from './status-page.ts';
export type { FileVerdict } from './verified-files.ts';
