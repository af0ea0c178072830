/** Files of signals: how each format is told, read and written. */
export { contactSheet } from './contact-sheet.ts';
export { signalChunks } from './formats.ts';
export { type ImageChannels, type ImageFormat, readImage, writeImage } from './image.ts';
export { readNpy, signalFromNpy, signalToNpy, writeNpy } from './npy.ts';
export { npyChunks } from './npy-rows.ts';
export { pngChunks } from './png.ts';
