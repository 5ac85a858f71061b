using System.Runtime.InteropServices;

namespace Singa.Actors.Runtime.Checkpoints;

/// <summary>Makes a folder's entries survive a loss of power: a renamed file is only there for good once its folder has been written.</summary>
internal static partial class Durable
{
    private const int ReadOnly = 0;

    /// <exception cref="IOException">The system could not write it.</exception>
    public static void Flush(string folder)
    {
        // Windows writes the entry with the file.
        if (OperatingSystem.IsWindows())
            return;
        int handle = Open(folder, ReadOnly);
        if (handle < 0)
            throw new IOException($"{folder} cannot be opened: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        // Some file systems cannot do this for a folder (EINVAL) and need not; nothing else is asked of them.
        int result = Sync(handle), error = Marshal.GetLastPInvokeError();
        _ = Close(handle);
        const int invalid = 22;
        if (result != 0 && error != invalid)
            throw new IOException($"{folder} cannot be written: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int handle);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int handle);
}
