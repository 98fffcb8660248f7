export {
  createDownloader,
  type Downloader,
  type DownloaderOptions,
  type DownloadRequest,
} from './download.ts';
export { fetchErrors } from './errors.ts';
export type { FileHead } from './file-request.ts';
