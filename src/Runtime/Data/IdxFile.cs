using System.Buffers.Binary;
using System.IO.Compression;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data;

/// <summary>
/// One IDX file of unsigned bytes, plain or gzipped (its first bytes tell, not its name): a magic number that carries the rank,
/// the dimensions, the bytes, all big-endian. Every way in which it can be wrong is one sentence that names the file.
/// </summary>
public sealed record IdxFile(string Path, int[] Dimensions, byte[] Values)
{
    public const int ImagesRank = 3, LabelsRank = 1;

    /// <summary>Deflate cannot pack tighter: what a gzip file of a given length can hold at most.</summary>
    private const long DeflateRatioMax = 1032;

    /// <exception cref="JobRefusedException"/>
    public static IdxFile Read(string path, int rank)
    {
        using var reader = new Reader(path, rank);
        return new IdxFile(path, reader.Dimensions, reader.ReadValues());
    }

    /// <summary>The dimensions alone.</summary>
    /// <exception cref="JobRefusedException"/>
    public static int[] ReadDimensions(string path, int rank)
    {
        using var reader = new Reader(path, rank);
        return reader.Dimensions;
    }

    private static string What(int rank) => rank == LabelsRank ? "labels" : "images";

    private sealed class Reader : IDisposable
    {
        private readonly string path;
        private readonly FileStream file;
        private readonly Stream content;
        private readonly bool zipped;

        public Reader(string path, int rank)
        {
            this.path = path;
            file = DataFile.Open(path);
            try
            {
                zipped = file.ReadByte() == 0x1F && file.ReadByte() == 0x8B;
                file.Position = 0;
                content = zipped ? new GZipStream(file, CompressionMode.Decompress) : file;
                Dimensions = ReadHeader(rank);
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }

        public int[] Dimensions { get; }

        public void Dispose()
        {
            content.Dispose();
            file.Dispose();
        }

        public byte[] ReadValues()
        {
            long expected = Dimensions.Aggregate(1L, (product, dimension) => product * dimension);
            var values = new byte[expected];
            int read = Fill(values);
            if (read < expected)
                throw Truncated($"it ends after {read:N0} of the {expected:N0} bytes its header promises");
            if (Fill(new byte[1]) > 0)
                throw Refused($"has bytes after the {expected:N0} its header promises; it is no IDX file of this size, get it again");
            if (zipped)
                CheckTrailer(4 + 4 * Dimensions.Length + expected);
            return values;
        }

        /// <summary>A gzip file ends with the length of its content; the stream forgives where that end is cut off.</summary>
        private void CheckTrailer(long length)
        {
            Span<byte> trailer = stackalloc byte[sizeof(uint)];
            file.Position = file.Length - trailer.Length;
            file.ReadExactly(trailer);
            if (BinaryPrimitives.ReadUInt32LittleEndian(trailer) != (uint)length)
                throw Refused("is a truncated gzip file or made of several parts; get it again or unzip it");
        }

        private int[] ReadHeader(int rank)
        {
            Span<byte> header = stackalloc byte[4 + 4 * rank];
            int read = Fill(header);
            if (read < 4)
                throw Truncated("it ends within its first four bytes");
            uint magic = BinaryPrimitives.ReadUInt32BigEndian(header), expected = 0x0800u + (uint)rank;
            if (magic != expected)
                throw Refused($"begins with 0x{magic:x8}, but an IDX file of {What(rank)} begins with 0x{expected:x8}{Hint(magic, rank)}");
            if (read < header.Length)
                throw Truncated("it ends within its header");
            return Bounded(header[4..], rank);
        }

        private int[] Bounded(ReadOnlySpan<byte> header, int rank)
        {
            var dimensions = new int[rank];
            long bytes = 1, headerBytes = 4 + 4 * rank;
            for (int axis = 0; axis < rank; axis++)
            {
                uint dimension = BinaryPrimitives.ReadUInt32BigEndian(header[(4 * axis)..]);
                if (dimension == 0)
                    throw Refused($"holds no {What(rank)}: dimension {axis} is 0; give a file with at least one sample");
                if (dimension > Array.MaxLength || (bytes *= dimension) > Array.MaxLength)
                    throw Refused("promises more than 2 GiB of data; split it into smaller files");
                dimensions[axis] = (int)dimension;
            }

            if (!zipped && headerBytes + bytes > file.Length)
                throw Truncated($"its header promises {headerBytes + bytes:N0} bytes, it has {file.Length:N0}");
            if (zipped && bytes / DeflateRatioMax > file.Length)
                throw Truncated($"its header promises {bytes:N0} bytes, which {file.Length:N0} zipped ones cannot hold");
            return dimensions;
        }

        private int Fill(Span<byte> target)
        {
            try
            {
                return DataFile.Fill(content, path, target);
            }
            catch (InvalidDataException exception)
            {
                throw new JobRefusedException($"{path} is a truncated or damaged gzip file; get it again", exception);
            }
        }

        private static string Hint(uint magic, int rank) => magic switch
        {
            0x0801 when rank == ImagesRank => "; this one holds labels: are images and labels swapped?",
            0x0803 when rank == LabelsRank => "; this one holds images: are images and labels swapped?",
            _ => "; give an IDX file of unsigned bytes, as MNIST's are",
        };

        private JobRefusedException Refused(string what) => new($"{path} {what}");

        private JobRefusedException Truncated(string how) => new($"{path} is incomplete: {how}; get it again");
    }
}
