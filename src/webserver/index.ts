export { webserverErrors } from './errors.ts';
export type { WebListen } from './listeners.ts';
export { startWebServer, type WebServer, type WebServerOptions } from './server.ts';
export type { WebFile, WebText } from './site.ts';
export type {
  StatusBundle,
  StatusCertificate,
  StatusCheck,
  StatusDisk,
  StatusFile,
  StatusLevel,
  StatusModel,
  StatusOperator,
  StatusRelease,
  StatusService,
  StatusSnippet,
} from './status-model.ts';
export { renderStatusPage } from './status-page.ts';
export type { WebTls } from './tls.ts';
export type { FileVerdict } from './verified-files.ts';
