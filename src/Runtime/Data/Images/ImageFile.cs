using Singa.Actors.Runtime.Jobs;
using StbImageSharp;

namespace Singa.Actors.Runtime.Data.Images;

/// <summary>A PNG, JPEG or BMP image, decoded: <c>Values</c> are bytes, row by row, pixel by pixel.</summary>
internal sealed record ImageFile(int Width, int Height, int Channels, byte[] Values)
{
    public static readonly string[] Patterns = ["*.png", "*.jpg", "*.jpeg", "*.bmp"];

    private const long PixelsMax = 1 << 26, BytesMax = 1 << 28;

    /// <param name="channels">1, grey, or 3, red, green and blue, whatever the file has.</param>
    /// <exception cref="JobRefusedException">It is damaged, cut off or no image: names the file.</exception>
    public static ImageFile Read(string path, int channels)
    {
        var content = ReadAll(path);
        long promisable = content.Length * PixelsPerByte(path, content);
        try
        {
            using var stream = new WholeStream(content);
            if (ImageInfo.FromStream(stream) is not { } info || info.Width < 1 || info.Height < 1)
                throw Refused(path, "its header is damaged");
            long pixels = (long)info.Width * info.Height;
            if (pixels > PixelsMax || pixels > promisable)
                throw Refused(path, $"its header promises {info.Width:N0}×{info.Height:N0} pixels, more than {(pixels > PixelsMax ? "can be taken" : "it can hold")}");
            stream.Position = 0;
            var image = ImageResult.FromStream(stream, channels == 1 ? ColorComponents.Grey : ColorComponents.RedGreenBlue);
            return new ImageFile(image.Width, image.Height, channels, image.Data);
        }
        catch (Exception exception) when (exception is not JobRefusedException)
        {
            // The library throws whatever it happens to meet: all of it means that the file is damaged.
            throw new JobRefusedException($"{path} is a damaged image: {(exception is EndOfStreamException ? "it is cut off" : "it cannot be decoded")}; get it again or remove it", exception);
        }
    }

    private static byte[] ReadAll(string path)
    {
        using var file = DataFile.Open(path);
        if (file.Length > BytesMax)
            throw Refused(path, $"it has {file.Length:N0} bytes, more than any image here");
        var content = new byte[file.Length];
        return content[..DataFile.Fill(file, path, content)];
    }

    /// <summary>How tightly the format can pack, once the file is seen to be whole.</summary>
    private static long PixelsPerByte(string path, ReadOnlySpan<byte> content)
    {
        if (content.StartsWith(PngCheck.Signature))
            return PngCheck.Fault(content) is { } fault ? throw Refused(path, fault) : 1 << 13;
        if (content.StartsWith<byte>([0xFF, 0xD8, 0xFF]))
        {
            // Within compressed data these two bytes never meet: an end must follow the last scan's beginning.
            bool ends = content.LastIndexOf<byte>([0xFF, 0xD9]) >= content.LastIndexOf<byte>([0xFF, 0xDA]);
            return ends ? 1 << 10 : throw Refused(path, "it is cut off");
        }

        return content.StartsWith("BM"u8) ? 1 << 6 : throw new JobRefusedException($"{path} is no PNG, JPEG or BMP image; convert it or remove it");
    }

    private static JobRefusedException Refused(string path, string what) => new($"{path} is a damaged image: {what}; get it again or remove it");

    /// <summary>Whoever reads beyond the end is told so: the library would take zeros for data, some of it for ever.</summary>
    private sealed class WholeStream(byte[] content) : MemoryStream(content)
    {
        public override int ReadByte() => base.ReadByte() is >= 0 and var value ? value : throw new EndOfStreamException();

        public override int Read(byte[] buffer, int offset, int count) => Some(base.Read(buffer, offset, count), count);

        public override int Read(Span<byte> buffer) => Some(base.Read(buffer), buffer.Length);

        private static int Some(int read, int wanted) => read > 0 || wanted == 0 ? read : throw new EndOfStreamException();
    }
}
