namespace Singa.Actors.Runtime.Models;

/// <summary>Reads a file that may come from anywhere: <see cref="SafeTensorsHeader"/> has checked every size before memory is taken for it.</summary>
internal static class SafeTensorsReader
{
    /// <param name="asStored">Elements that graphs only store come as they are, not as the type in which they are computed with.</param>
    public static SafeTensorsFile Read(Stream file, string path, bool asStored = false)
    {
        var header = SafeTensorsHeader.Read(file, path);
        var tensors = new NamedTensor[header.Entries.Count];
        for (int i = 0; i < tensors.Length; i++)
        {
            var (name, type, shape, begin, end) = header.Entries[i];
            var reading = asStored ? type.Stored : type.Reading;
            if (end - begin > Array.MaxLength || reading.Type(shape).Bytes > Array.MaxLength)
                throw new ModelFileException($"{path}: tensor '{name}' is larger than 2 GiB, which this version cannot read");
            var raw = new byte[end - begin];
            file.ReadExactly(raw);
            try
            {
                tensors[i] = new NamedTensor(name, reading.Type(shape), reading.Unpack(raw, shape.Count));
            }
            catch (OverflowException e)
            {
                throw new ModelFileException($"{path}: tensor '{name}' of type {type.Name} has a number that {reading.Type(shape)} does not hold", e);
            }
        }

        return new SafeTensorsFile(header.Metadata, [.. tensors.OrderBy(t => t.Name, StringComparer.Ordinal)]);
    }
}
