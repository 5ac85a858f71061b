namespace Singa.Actors.Runtime.Tests;

/// <summary>A folder of its own for one test, gone afterwards.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("singa-test-").FullName;

    public string this[string file] => System.IO.Path.Combine(Path, file);

    public string Write(string file, byte[] content)
    {
        File.WriteAllBytes(this[file], content);
        return this[file];
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
