export {
  createDownloader,
  type Downloader,
  type DownloaderOptions,
  type DownloadRequest,
  type FileHead,
} from './download.ts';
export { fetchErrors } from './errors.ts';
