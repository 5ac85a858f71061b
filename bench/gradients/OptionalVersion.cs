using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Singa.Actors.Bench.Gradients;

/// <summary>
/// TorchSharp's native library asks for a version of the C++ library that older systems (Debian 12) lack, for the sake of one symbol that
/// nothing calls. In the copy beside this program that version is marked as optional, which is one flag in the library's list of needed
/// versions (ELF: section .gnu.version_r, flag VER_FLG_WEAK).
/// </summary>
internal static class OptionalVersion
{
    private const string Library = "libLibTorchSharp.so", Version = "GLIBCXX_3.4.32";
    private const uint NeededVersions = 0x6ffffffe;
    private const byte Weak = 2;

    /// <summary>To be called before anything of TorchSharp.</summary>
    public static void Apply()
    {
        string path = Path.Combine(AppContext.BaseDirectory, Library);
        if (!OperatingSystem.IsLinux() || !File.Exists(path) || NativeLibrary.TryLoad(path, out _))
            return;
        byte[] image = File.ReadAllBytes(path);
        if (!Mark(image))
            throw new InvalidOperationException($"{Library} does not load, and it does not need {Version}: see what else this system lacks");
        File.WriteAllBytes(path + ".new", image);
        File.Move(path + ".new", path, overwrite: true);
    }

    private static bool Mark(Span<byte> image)
    {
        var sections = image[(int)Long(image, 40)..];
        int size = Short(image, 58), count = Short(image, 60);
        for (int i = 0; i < count; i++)
        {
            var section = sections.Slice(i * size, size);
            if (Int(section, 4) != NeededVersions)
                continue;
            var names = image[(int)Long(sections.Slice((int)Int(section, 40) * size, size), 24)..];
            // Entries are chained by distances: libraries, and of each the versions it must have.
            for (int library = (int)Long(section, 24), next = -1; next != 0; library += next)
            {
                next = (int)Int(image[library..], 12);
                for (int version = library + (int)Int(image[library..], 8), further = -1; further != 0; version += further)
                {
                    further = (int)Int(image[version..], 12);
                    var name = names[(int)Int(image[version..], 8)..];
                    if (Encoding.ASCII.GetString(name[..name.IndexOf((byte)0)]) != Version)
                        continue;
                    image[version + 4] |= Weak;
                    return true;
                }
            }
        }

        return false;
    }

    private static int Short(ReadOnlySpan<byte> at, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(at[offset..]);

    private static uint Int(ReadOnlySpan<byte> at, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(at[offset..]);

    private static long Long(ReadOnlySpan<byte> at, int offset) => BinaryPrimitives.ReadInt64LittleEndian(at[offset..]);
}
